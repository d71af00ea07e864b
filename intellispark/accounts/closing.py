"""Closing an account: the personal data goes, the ledger stays.

The signal `account_closed` lets each app erase its own in the same transaction: chats and
characters in `chat/replies/receivers.py`.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, transaction
from django.utils import timezone

from intellispark.accounts import emails, tokens
from intellispark.accounts.models import Session, User
from intellispark.accounts.names import CLOSED_PREFIX
from intellispark.accounts.signals import account_closed
from intellispark.api.errors import NotSignedIn
from intellispark.api.models import IdempotencyKey
from intellispark.db import BATCH_ROWS, ago

logger = structlog.get_logger(__name__)

ERASE_AGAIN_FOR = timedelta(minutes=10)


def close_account(*, user: User, auth_hash: str | None = None) -> bool:
    """Anonymise the person and sign them out everywhere. Cannot be undone. False when it was
    closed already.

    The wallet and its entries stay, under a name that says nothing. With `auth_hash`, what was
    proved by an older password does not count: raises NotSignedIn.
    """
    with transaction.atomic():
        person = _lock(user)
        if not person.is_active:
            return False
        if auth_hash is not None and not person.has_issued(auth_hash):
            raise NotSignedIn
        _close(person)
    return True


def close_unconfirmed() -> int:
    """Close sign-ups whose address nobody confirmed in time; how many. Not those that were used,
    where EMAIL_CONFIRMATION was switched off meanwhile."""
    ended = {"confirm_by__lte": timezone.now(), "last_login": None, "is_active": True}
    found = User.objects.filter(**ended).values_list("pk", flat=True)
    closed = 0
    for pk in found[:BATCH_ROWS]:
        with transaction.atomic():
            person = User.objects.select_for_update().filter(pk=pk, **ended).first()
            if person:  # not confirmed in this very moment
                _close(person)
                closed += 1
    return closed


def erase_again() -> int:
    """Erase once more what belongs to accounts that were closed a moment ago; how many they are.

    Every write of personal data locks the person and finds the account closed. This is the net
    under it, for a writer that forgot to.
    """
    closed = User.objects.filter(closed_at__gt=ago(ERASE_AGAIN_FOR))
    return sum(_erase_again(user) for user in closed)


def _erase_again(user: User) -> bool:
    """One that is locked just now keeps no other from it."""
    try:
        with transaction.atomic():
            _erase(_lock(user))
    except DatabaseError:
        logger.exception("closing.not_looked_at", user_id=str(user.pk))
        return False
    return True


def _lock(user: User) -> User:
    """The full lock: the name is to change, which is unique, and rows that refer to the person are
    waited for here and not half way (see `locking.py`)."""
    return User.objects.select_for_update().get(pk=user.pk)


def _close(person: User) -> None:
    person.is_active, person.closed_at = False, timezone.now()
    _erase(person)


def _erase(user: User) -> None:
    """Nothing of the person is left but the books. Under the lock; may be repeated.

    What other apps keep goes with `account_closed`, in the same transaction.
    """
    account_closed.send(sender=User, user=user)
    user.username = f"{CLOSED_PREFIX}{user.pk.hex}"
    user.first_name = user.last_name = user.language = ""
    user.is_staff = user.is_superuser = False
    user.last_login = user.confirm_by = None
    if user.has_usable_password():
        user.set_unusable_password()
    user.save()
    emails.forget(user)
    tokens.forget(user)
    user.groups.clear()
    user.user_permissions.clear()
    Session.objects.filter(user=user).delete()
    IdempotencyKey.objects.filter(user=user).delete()
    # The admin's log names what it is about: the person, and what is called by their name.
    LogEntry.objects.filter(object_id=str(user.pk)).update(object_repr=user.username)
