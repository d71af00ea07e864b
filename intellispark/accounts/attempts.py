"""Counts checks of passwords and mails by account, address and recipient, whichever page or API
path asks for them; `rate_limits.py` counts requests.

Counted before it is worked on, so that a hundred at once are counted like a hundred in a row.

A password is checked for an address and for an account. The windows of accounts are short, since a
stranger can fill them; whoever is signed in counts by their own session, and a browser that was
signed in before by itself (`devices.py`), so a stranger's guesses do not keep the owner out.
A right password empties the account's window again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from intellispark.accounts import devices
from intellispark.accounts.models import User
from intellispark.accounts.rate_limits import SIGN_IN, Scope, counted_as, limiter
from intellispark.accounts.tokens import bearer_of, holder_of
from intellispark.api.addresses import address_key
from intellispark.api.errors import NotSignedIn, RateLimited

PASSWORD = Scope("password", RateLimitItemPerMinute(10, 5))
MAIL_TO = Scope("mail-to", RateLimitItemPerMinute(5, 15))
MAIL_FROM = Scope("mail-from", RateLimitItemPerHour(20))


@dataclass(frozen=True)
class PasswordCheck:
    """One counted check, before its outcome is known: the window of each account that was meant."""

    windows: Mapping[UUID, str]

    def succeeded(self, user: User) -> None:
        """It was that person's password: what was tried at them before does not count any more.

        What was tried at others does, who were meant as well.
        """
        window = self.windows.get(user.pk)
        if window and settings.RATE_LIMITS:
            async_to_sync(limiter.clear)(PASSWORD, window)


def count_sign_in(
    request: HttpRequest, *, accounts: Collection[User], typed: Collection[str]
) -> PasswordCheck:
    """A password is to be checked for these accounts, which answer to what was `typed`.

    Names without an account have windows too, or their absence would tell. Raises RateLimited.
    """
    windows = {}
    for user in accounts:
        device = devices.known(request, user)
        windows[user.pk] = f"device:{device}:{user.pk}" if device else f"user:{user.pk}"
    return _count(
        request, windows, () if accounts else [f"typed:{_hashed(each)}" for each in typed]
    )


def count_confirmation(request: HttpRequest, user: User) -> PasswordCheck:
    """Somebody who is signed in is to type the password once more. Raises RateLimited."""
    return _count(request, {user.pk: f"{_signed_in_by(request, user)}:{user.pk}"})


def count_mail(request: HttpRequest, email: str) -> None:
    """A mail is to go there because somebody asked for it. Raises RateLimited.

    Counted once a request, however many steps ask: at the door, and where mails leave.
    """
    counted: set[str] = request.__dict__.setdefault("_mails_counted", set())
    if email.lower() in counted:
        return
    counted.add(email.lower())
    _hit(MAIL_FROM, counted_as(request, MAIL_FROM))
    _hit(MAIL_TO, _hashed(email.lower()))


def _count(
    request: HttpRequest, windows: Mapping[UUID, str], nobodys: Collection[str] = ()
) -> PasswordCheck:
    _hit(SIGN_IN, f"address:{address_key(request)}")
    for window in (*windows.values(), *nobodys):
        _hit(PASSWORD, window)
    return PasswordCheck(windows)


def _signed_in_by(request: HttpRequest, user: User) -> str:
    """The credential that signs the person in here. Somebody else's token beside a session is not
    it: a thief would have a window for each token of their own."""
    raw = bearer_of(request)
    if raw is not None:
        with suppress(NotSignedIn):
            user_id, family, _ = holder_of(raw)
            if user_id == str(user.pk):
                return f"family:{family}"
    return f"session:{request.session.session_key}"


def _hit(scope: Scope, who: str) -> None:
    if not settings.RATE_LIMITS:
        return
    wait = async_to_sync(limiter.hit)(scope, who)
    if wait is not None:
        raise RateLimited(retry_after=wait)


def _hashed(text: str) -> str:
    """Counters live outside the database, where closing an account does not reach them."""
    return salted_hmac("accounts.attempts", text).hexdigest()[:32]
