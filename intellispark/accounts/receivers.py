"""What must happen at once when somebody signs out, changes their password or is suspended.

Hung on the signals of the models, so that pages, API, admin and shell all come through here.
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
    """The sockets of that session close; those of the person's other devices stay."""
    session_key = request.session.session_key if request is not None else None
    if isinstance(user, User) and session_key:
        publish.close_on_commit(user.pk, code=CloseCode.SIGNED_OUT, session_key=session_key)


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Out everywhere: after a password change, when suspended, when the account is closed.

    Other sessions end by themselves, since a session holds a digest of the password. Django
    keeps the new password on the instance until after this signal; a mere upgrade of its hash
    does not count as a change.
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
