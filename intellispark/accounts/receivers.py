"""Closes sockets and revokes tokens when somebody signs out, changes the password or is suspended.

The receivers listen to signals of the models, so pages, API, admin and shell all come through here.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from intellispark.accounts.models import User
from intellispark.accounts.tokens import revoke_all
from intellispark.realtime import publish
from intellispark.realtime.close_codes import CloseCode


@receiver(user_logged_out)
def session_ended(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """Close the sockets of that session; those of the person's other devices stay open."""
    session_key = request.session.session_key if request is not None else None
    if isinstance(user, User) and session_key:
        publish.close_on_commit(user.pk, code=CloseCode.SIGNED_OUT, session_key=session_key)


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Sign the person out everywhere after a password change, a suspension, or the account's end.

    Sessions end by themselves, because each holds a digest of the password. `_password` is the new
    password, which Django keeps on the instance until after this signal; it is None when Django
    only upgrades the hash.
    """
    if created or raw:
        return
    if instance.is_suspended:
        _sign_out_everywhere(instance, CloseCode.REFUSED)
    elif getattr(instance, "_password", None) is not None or not instance.is_active:
        _sign_out_everywhere(instance, CloseCode.SIGNED_OUT)


def _sign_out_everywhere(user: User, code: CloseCode) -> None:
    revoke_all(user)
    publish.close_on_commit(user.pk, code=code)
