"""Every check of a password by somebody signed in, and every change of one.

A check is counted (`attempts.py`). A change happens under the person's lock, for what was proved
under the password that is there now: of two changes at once the second finds its proof gone.
"""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from django.db import transaction
from django.http import HttpRequest

from intellispark.accounts import attempts, emails, tokens
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import User
from intellispark.api.errors import NotSignedIn
from intellispark.realtime.close_codes import CloseCode


def check(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this is the password of the person who is signed in. Raises RateLimited."""
    attempt = attempts.count_confirmation(request, user)
    right = user.check_password(password)
    if right:
        attempt.succeeded(user)
    return right


def change(*, user: User, password: str) -> None:
    """Another password, for somebody who has proved the one that `user` was read with.

    Raises NotSignedIn when it was changed since, or the account closed; Suspended.
    """
    with transaction.atomic():
        lock_open_account(user.pk, auth_hash=user.get_session_auth_hash())
        user.set_password(password)
        user.save(update_fields=["password"])


def reset(*, user: User, password: str, key: str) -> None:
    """Another password, for somebody who has the key of a reset mail. Also proves the address.

    Raises NotSignedIn when the key is spent: used, too old, or issued before what it has to be
    issued after; Suspended.
    """
    with transaction.atomic():
        person = lock_open_account(user.pk)
        if not default_token_generator.check_token(person, key):
            raise NotSignedIn
        person.set_password(password)
        person.save(update_fields=["password"])
        emails.note_as_confirmed(person)


def set_by_admin(*, user: User, password: str | None) -> None:
    """Another password on an admin's word; None: none that anybody could know. Signs them out."""
    with transaction.atomic():
        user.refresh_from_db(from_queryset=User.objects.select_for_update(no_key=True))
        if password is None:
            user.set_unusable_password()
        else:
            user.set_password(password)
        user.save(update_fields=["password"])
        tokens.sign_out_everywhere(user, CloseCode.SIGNED_OUT)
