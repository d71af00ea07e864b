"""Closes sockets and revokes tokens when somebody signs out, changes the password or is suspended.

The receivers listen to signals of the models, so pages, API, admin and shell all come through here.
"""

from __future__ import annotations

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from intellispark.accounts import emails
from intellispark.accounts.models import User
from intellispark.accounts.signals import account_suspended
from intellispark.accounts.tokens import sign_out_everywhere
from intellispark.realtime import publish
from intellispark.realtime.close_codes import CloseCode


@receiver(user_logged_in, dispatch_uid="update_last_login")
def signed_in(user: User, **kwargs: object) -> None:
    """When somebody was here last, unless the account was closed meanwhile.

    Takes the place of Django's receiver of that id, which writes into whatever the account has
    become by then: a second one is not connected.
    """
    User.objects.filter(pk=user.pk, is_active=True).update(last_login=timezone.now())


@receiver(user_logged_out)
def session_ended(request: HttpRequest | None, user: User | None, **kwargs: object) -> None:
    """Close the sockets of that session; those of the person's other devices stay open."""
    session_key = request.session.session_key if request is not None else None
    if isinstance(user, User) and session_key:
        publish.close_on_commit(user.pk, code=CloseCode.SIGNED_OUT, session_key=session_key)


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, raw: bool = False, **kwargs: object) -> None:
    """A new person gets an address. Out everywhere: after a password change, when suspended, when
    the account is closed.

    Sessions end by themselves, because each holds a digest of the password. `_password` is the new
    password, which Django keeps on the instance until after this signal; it is None when Django
    only upgrades the hash.
    """
    if raw:
        return
    if created:
        emails.register(instance)
    elif instance.is_suspended:
        _end_all(instance, CloseCode.REFUSED)
        account_suspended.send(sender=User, user=instance)
    elif getattr(instance, "_password", None) is not None or not instance.is_active:
        _end_all(instance, CloseCode.SIGNED_OUT)


def _end_all(user: User, code: CloseCode) -> None:
    """Tokens, sockets, and the wish for another address: each was issued under what has ended."""
    sign_out_everywhere(user, code)
    emails.withdraw_change(user=user)
