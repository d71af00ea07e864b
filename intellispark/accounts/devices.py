"""Browsers that an account was signed in on before: they know it when nobody is signed in.

A signed cookie names the browser and the accounts. It lets nobody in. Guesses at a password that
come from such a browser have a window of their own (`attempts.py`), so that a stranger who fills
the account's window does not keep its owner out.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from intellispark.accounts.models import User

COOKIE = "device"
SALT = "accounts.devices"
KEPT_FOR = timedelta(days=365)
MOST_ACCOUNTS = 5


def known(request: HttpRequest, user: User) -> str:
    """The browser's own id, where that account was signed in on it before; else empty."""
    device, accounts = _read(request)
    return device if user.pk.hex in accounts else ""


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """This browser has signed that account in."""
    device, accounts = _read(request)
    others = [each for each in accounts if each != user.pk.hex]
    value = [device or secrets.token_hex(16), [*others, user.pk.hex][-MOST_ACCOUNTS:]]
    response.set_cookie(
        COOKIE,
        signing.dumps(value, salt=SALT),
        max_age=KEPT_FOR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        device, accounts = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT_FOR
        )
    except signing.BadSignature:
        return "", []
    return device, accounts
