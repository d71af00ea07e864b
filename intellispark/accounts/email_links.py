"""The keys in the links of our mails: signed, and good for as long as what they were issued for."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from django.core import signing

from intellispark.accounts.models import EmailChange, User

CONFIRM = "accounts.emails.confirm"
WAY_BACK = "accounts.emails.way-back"


def confirmation_key(user: User, email: str) -> str:
    """Says that whoever has it reads the mail of `email`, to the account as it is now."""
    return signing.dumps([user.pk.hex, mark(user, email)], salt=CONFIRM)


def read_confirmation(key: str, *, max_age: timedelta) -> tuple[str, str] | None:
    """The user's id and the mark of a key; None for a forgery and an old one."""
    found = _read(key, CONFIRM, max_age)
    return (found[0], found[1]) if found else None


def mark(user: User, email: str) -> str:
    """What a confirmation is compared by. Another one after a change of password or address."""
    state = f"{user.email}\n{email}\n{user.get_session_auth_hash()}"
    return sha256(state.encode()).hexdigest()[:32]


def way_back_key(change: EmailChange) -> str:
    """Undoes that change of address, whatever became of the password since."""
    return signing.dumps([change.pk.hex], salt=WAY_BACK)


def read_way_back(key: str, *, max_age: timedelta) -> str | None:
    """The id of the change; None for a forgery and an old one."""
    found = _read(key, WAY_BACK, max_age)
    return str(found[0]) if found else None


def _read(key: str, salt: str, max_age: timedelta) -> list[str] | None:
    try:
        found: list[str] = signing.loads(key, salt=salt, max_age=max_age)
    except signing.BadSignature:  # and SignatureExpired
        return None
    return found
