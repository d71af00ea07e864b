"""Who is at the other end of a socket, and whether they may still be there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.request import validate_host
from django.utils import timezone

from intellispark.accounts.dead_families import dead_families
from intellispark.accounts.models import Session, TokenFamily, User
from intellispark.accounts.sessions import is_key
from intellispark.accounts.tokens import holder_of
from intellispark.api.errors import NotSignedIn
from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.dataloader import DataLoader
from intellispark.realtime.identity import Identity, Scope, SocketRefused


@dataclass(frozen=True)
class Credential:
    """What a socket presents: a session's key; or a token's family, its claimed user, and the Unix
    time in seconds at which it ends."""

    session_key: str = ""
    family: str = ""
    user_id: str = ""
    expires: int = 0


async def authenticate(scope: Scope) -> Identity:
    """The identity of the person at the socket of that ASGI scope. Raises SocketRefused.

    Sockets that come at the same moment share their queries.
    """
    credential = credential_of(scope)
    found = await person(credential)
    if isinstance(found, CloseCode):
        raise SocketRefused(found)
    return _identity(found, credential)


def credential_of(scope: Scope) -> Credential:
    """What the socket of that ASGI scope presents; no query. Raises SocketRefused.

    A bearer token comes as the subprotocol pair ["bearer", token] and needs no Origin, which
    API clients do not send; a session cookie does, since browsers send it from any page.
    """
    protocols = scope.get("subprotocols") or []
    if protocols[:1] == ["bearer"]:
        try:
            user_id, family, ends = holder_of(protocols[1] if len(protocols) > 1 else "")
        except NotSignedIn as error:
            raise SocketRefused(CloseCode.SIGNED_OUT) from error
        return Credential(family=str(family), user_id=user_id, expires=ends)
    # Read as pages are: another reader would take some headers and cookies otherwise.
    request = ASGIRequest({**scope, "method": "GET", "query_string": b""}, BytesIO())
    if not _origin_allowed(request):
        raise SocketRefused(CloseCode.REFUSED)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not is_key(key):
        raise SocketRefused(CloseCode.SIGNED_OUT)
    return Credential(session_key=key)


def identify(credentials: Iterable[Credential]) -> dict[Credential, Identity | CloseCode]:
    """For each credential the identity, or the close code when it must not be let in.

    Three queries for all of them together: sessions, families, people.
    """
    return {
        each: user if isinstance(user, CloseCode) else _identity(user, each)
        for each, user in _people(credentials).items()
    }


def _identity(user: User, credential: Credential) -> Identity:
    return Identity(user.pk, credential.session_key, credential.family, credential.expires)


def _people(credentials: Iterable[Credential]) -> dict[Credential, User | CloseCode]:
    """The same with the user in place of the identity."""
    credentials = list(credentials)
    owners = _owners_of_sessions({each.session_key for each in credentials if each.session_key})
    families = _families({each.family for each in credentials if each.family})
    users = User.objects.in_bulk({user_id for user_id, _ in owners.values()}) if owners else {}
    found = {each: _check(each, owners, families, users) for each in credentials}
    for credential, user in found.items():
        if credential.expires > time.time() and isinstance(user, CloseCode):
            dead_families.add(credential.family)
    return found


person: DataLoader[Credential, User | CloseCode] = DataLoader(_people)
"""Whose that credential is, or why they are not let in: for sockets, and for requests with a bearer
token (`accounts.requests.authenticate`), which share their queries with those of the moment."""


def _owners_of_sessions(keys: set[str]) -> dict[str, tuple[UUID, str]]:
    """For each valid session the user's id, and the hash of the password that it began with."""
    found = {}
    if keys:
        for session in Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now()):
            data = session.get_decoded()
            with contextlib.suppress(KeyError, ValueError):  # it signs nobody in
                user_id = UUID(data[auth.SESSION_KEY])
                found[session.pk] = user_id, data.get(auth.HASH_SESSION_KEY, "")
    return found


def _families(ids: set[str]) -> dict[str, TokenFamily]:
    """Each of these token families, revoked or not, with whose it is."""
    if not ids:
        return {}
    families = TokenFamily.objects.filter(pk__in=ids).select_related("user")
    return {str(family.pk): family for family in families}


def _check(
    credential: Credential,
    owners: dict[str, tuple[UUID, str]],
    families: dict[str, TokenFamily],
    users: dict[UUID, User],
) -> User | CloseCode:
    auth_hash = ""
    family = families.get(credential.family)
    user = family.user if family else None
    if credential.session_key in owners:
        user_id, auth_hash = owners[credential.session_key]
        user = users.get(user_id)
    if user is None or not user.is_active or credential.user_id not in ("", str(user.pk)):
        return CloseCode.SIGNED_OUT
    if credential.session_key and not user.has_issued(auth_hash):
        return CloseCode.SIGNED_OUT
    if user.is_suspended:  # first: a suspension also revokes, and the client must learn why
        return CloseCode.REFUSED
    if family and (family.revoked_at or credential.expires <= time.time()):
        return CloseCode.SIGNED_OUT
    if family and not user.has_issued(family.auth_hash):
        return CloseCode.SIGNED_OUT
    return user


def lapsed(identities: Iterable[Identity]) -> dict[Identity, CloseCode]:
    """The identities that may no longer have a socket, with their close codes. Three queries.

    Sockets are closed by messages; this finds those whose message was lost, say by a Redis restart.
    """
    credentials = {
        each: Credential(each.session_key, each.family, str(each.user_id), each.expires)
        for each in identities
    }
    found = identify(credentials.values())
    return {
        each: code
        for each, credential in credentials.items()
        if isinstance(code := found[credential], CloseCode)
    }


def _origin_allowed(request: HttpRequest) -> bool:
    """Whether the page is on this host or a trusted origin. `*` in ALLOWED_HOSTS allows none."""
    origin = request.headers.get("Origin", "")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:  # brackets without an address
        return False
    hosts = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    return parts.netloc == request.headers.get("Host", "") and validate_host(host, hosts)
