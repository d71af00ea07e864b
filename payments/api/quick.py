"""Answers `GET /api/payment/user/tokens` ahead of Django's middleware: pages ask it often.

It gives only the ordinary answer: 200 or 304, to people who are signed in and within the limits.
All other requests go on to `TokensView`, which refuses. A test holds the two to the same body and
headers. Requests of the same moment share their queries.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from intellispark.accounts.rate_limits import ELSE, limiter
from intellispark.accounts.sockets import Credential, people
from intellispark.accounts.tokens import holder_of
from intellispark.api.errors import NotSignedIn
from intellispark.realtime.dataloader import DataLoader
from payments.api.serializers import etag_of, wallet_json

PATH = "/api/payment/user/tokens"

App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]


def quick_tokens(app: App) -> App:
    """The ASGI application `app`, with this one path answered ahead of it where it can be."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        answer = None
        if scope["path"] == PATH and scope["method"] == "GET":
            answer = await _answer(dict(scope["headers"]))
        if answer is None:
            await app(scope, receive, send)
            return
        status, headers, body = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def _answer(asked: dict[bytes, bytes]) -> tuple[int, list[Header], bytes] | None:
    credential = _credential(asked)
    wallet = await wallets(credential) if credential and _host_allowed(asked) else None
    if wallet is None:
        return None
    if settings.RATE_LIMITS and await limiter.hit(ELSE, f"user:{wallet['user_id']}") is not None:
        return None
    etag = etag_of(wallet["user_id"], wallet["epoch"], wallet["version"]).encode()
    headers = [*_standing_headers(), (b"ETag", etag), (b"X-Request-ID", uuid4().hex.encode())]
    if asked.get(b"if-none-match") == etag:
        return 304, headers, b""
    body = json.dumps(wallet, separators=(",", ":")).encode()
    length = str(len(body)).encode()
    return (
        200,
        [*headers, (b"Content-Type", b"application/json"), (b"Content-Length", length)],
        body,
    )


def _credential(asked: dict[bytes, bytes]) -> Credential | None:
    """The bearer, else the session's key. A bad bearer gives None even beside a session."""
    scheme, _, raw = asked.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme:
        try:
            user_id, family, ends = holder_of(raw.strip() if scheme.lower() == "bearer" else "")
        except NotSignedIn:
            return None
        return Credential(family=str(family), user_id=user_id, expires=ends)
    try:
        cookies = SimpleCookie(asked.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return None
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return Credential(session_key=found.value) if found and found.value else None


def _host_allowed(asked: dict[bytes, bytes]) -> bool:
    domain, _ = split_domain_port(asked.get(b"host", b"").decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _standing_headers() -> list[Header]:
    """The headers that the middleware adds to this answer."""
    headers = [
        (b"Cache-Control", b"private, no-cache"),
        (b"Vary", b"Accept-Language, Cookie"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"X-Frame-Options", settings.X_FRAME_OPTIONS.encode()),
        (b"Referrer-Policy", settings.SECURE_REFERRER_POLICY.encode()),
        (b"Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY.encode()),
    ]
    if secs := settings.SECURE_HSTS_SECONDS:
        headers.append((b"Strict-Transport-Security", f"max-age={secs}".encode()))
    return headers


def _wallets(credentials: list[Credential]) -> dict[Credential, dict[str, Any] | None]:
    """For each credential its wallet as JSON, or None when it is not valid.

    Two queries for all of them, one if all are bearers, and more for tokens that expire.
    """
    found = people(credentials, select_related="wallet")
    wallets = {each: getattr(user, "wallet", None) for each, user in found.items()}
    shown = {wallet.pk: wallet_json(wallet) for wallet in {*wallets.values()} if wallet}
    return {each: shown[wallet.pk] if wallet else None for each, wallet in wallets.items()}


wallets: DataLoader[Credential, dict[str, Any] | None] = DataLoader(_wallets)
