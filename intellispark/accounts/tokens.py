"""API tokens, in families that are revoked together.

A sign-in starts a family. Its id travels as the claim `fam` in every access and refresh token,
so that one row says whether any of them may still be used. The row carries the hash of the
sign-in (`User.get_session_auth_hash`), which is compared at each use: after a change of password
no token of before is good, whenever it was issued. A refresh token works once; whoever
shows it a second time (its thief, or its owner after the thief) ends the family, as RFC 9700,
section 4.14.2 advises.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypedDict, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone, translation
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from intellispark.accounts.dead_families import dead_families
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import TokenFamily, User
from intellispark.api.errors import CsrfFailed, NotSignedIn, Suspended
from intellispark.db import delete_in_batches
from intellispark.realtime import publish
from intellispark.realtime.close_codes import CloseCode

T = TypeVar("T", bound=Token)


class Pair(TypedDict):
    """The two tokens that an API client stores."""

    access: str
    refresh: str


class Holder(NamedTuple):
    """What an access token claims. `expires` is in seconds of Unix time."""

    user_id: str
    family: UUID
    expires: int


class FamilyRefreshToken(RefreshToken):
    """A refresh token that still decodes after its use: `rotate` then revokes its family."""

    def check_blacklist(self) -> None:
        """Do nothing: `rotate` checks it, under the family's lock."""


def issue(user: User) -> Pair:
    """The first pair of a new family, for what `user` proved when it was read.

    Raises NotSignedIn when the password changed since, or the account was closed; Suspended.
    """
    auth_hash = user.get_session_auth_hash()
    with transaction.atomic():
        person = lock_open_account(user.pk, auth_hash=auth_hash)
        family = TokenFamily.objects.create(user=person, auth_hash=auth_hash, expires_at=_end())
        return _pair(person, family)


def rotate(raw: str) -> Pair:
    """The next pair of the family, for its current refresh token.

    Raises NotSignedIn when the token is not valid or its family is revoked; Suspended. Of two
    requests with the same token one gets a pair; the other revokes the family.
    """
    token = _decode(FamilyRefreshToken, raw)
    with transaction.atomic():
        lock_open_account(token.get(api_settings.USER_ID_CLAIM))
        family = _family(token, lock=True)
        if _use_once(token):
            TokenFamily.objects.filter(pk=family.pk).update(expires_at=_end())
            return _pair(family.user, family)
    revoke_family(family)
    raise NotSignedIn


def sign_out(raw: str) -> None:
    """Revoke the refresh token's family, whether it was used or not. Raises NotSignedIn."""
    token = _decode(FamilyRefreshToken, raw)
    family = TokenFamily.objects.filter(pk=_family_id(token)).first()
    if family:
        revoke_family(family)


def revoke_family(family: TokenFamily) -> None:
    """Refuse the family's tokens from now on, and close its sockets."""
    with transaction.atomic():
        TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(revoked_at=timezone.now())
        publish.close_on_commit(family.user_id, code=CloseCode.SIGNED_OUT, family=str(family.pk))


def revoke_all(user: User) -> None:
    """Refuse all API tokens of that person from now on. The caller closes the sockets."""
    TokenFamily.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def sign_out_everywhere(user: User, code: CloseCode) -> None:
    """No API token of that person is good any more, and all their sockets close with `code`."""
    revoke_all(user)
    publish.close_on_commit(user.pk, code=code)


def purge() -> int:
    """Delete expired tokens, and families that can have no valid token; says how many tokens."""
    now = timezone.now()
    return sum(
        delete_in_batches(model._default_manager.filter(expires_at__lt=now))
        for model in (OutstandingToken, TokenFamily)
    )


def forget(user: User) -> None:
    """Nothing of the person's tokens is left: the account is closed, under its lock."""
    TokenFamily.objects.filter(user=user).delete()
    OutstandingToken.objects.filter(user=user).delete()


def user_from_bearer(raw: str) -> User:
    """The owner of that access token: one query. Raises NotSignedIn or Suspended."""
    return _family(_decode(AccessToken, raw)).user


def family_of(raw: str) -> UUID:
    """The family of an access token, from its signature alone: no query. Raises NotSignedIn."""
    return _family_id(_decode(AccessToken, raw))


def holder_of(raw: str) -> Holder:
    """The holder that the access token claims, checked by its signature alone: no query. The family
    may have been revoked since. Raises NotSignedIn."""
    holder = _holder_signed_for(raw)
    if holder.expires <= time.time():
        raise NotSignedIn
    return holder


@lru_cache(maxsize=4_096)
def _holder_signed_for(raw: str) -> Holder:
    """Cached: a page sends the same token again and again, and its signature does not change."""
    token = _decode(AccessToken, raw)
    user_id = str(token.get(api_settings.USER_ID_CLAIM, ""))
    return Holder(user_id, _family_id(token), int(token["exp"]))


def bearer_of(request: HttpRequest | Request) -> str | None:
    """The raw bearer token of a request to the API, or None when it comes without one.

    Pages do not look at bearers, so one that is sent there says nothing about its sender.
    """
    return raw_bearer_of(request) if request.path_info.startswith("/api/") else None


def raw_bearer_of(request: HttpRequest | Request) -> str | None:
    """What follows `Authorization: Bearer`, on whatever path; None without it."""
    scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return raw.strip() if scheme.lower() == "bearer" else None


def session_user(request: HttpRequest) -> User | None:
    """The user whom the session cookie signs in, or None. Raises Suspended, and CsrfFailed.

    Without a signed-in user it asks for no CSRF token: there is no session to misuse.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_suspended:
        raise Suspended
    check = CSRFCheck(lambda request: None)  # type: ignore[arg-type]  # it is never called
    check.process_request(request)
    if check.process_view(request, None, (), {}):  # type: ignore[arg-type]  # whatever view
        raise CsrfFailed
    return user


class BearerAuthentication(BaseAuthentication):
    """DRF: `Authorization: Bearer <access>`."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """One query. A bad bearer is refused even where a session would do: whoever sends one
        means it."""
        raw = bearer_of(request)
        if raw is None:
            return None
        user = user_from_bearer(raw)
        if user.language:
            translation.activate(user.language)
        return user, raw

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(BaseAuthentication):
    """DRF: the session cookie, with the CSRF token where something is to be changed."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = session_user(request._request)
        return (user, None) if user else None


def _pair(user: User, family: TokenFamily) -> Pair:
    refresh = FamilyRefreshToken()
    refresh[api_settings.USER_ID_CLAIM] = str(user.pk)
    refresh["fam"] = str(family.pk)
    _outstanding(refresh, user)
    access = refresh.access_token
    for token in (refresh, access):
        # A machine whose clock is behind would refuse a token that was issued in its future.
        del token["iat"]
    return {"access": str(access), "refresh": str(refresh)}


def _outstanding(token: Token, user: User) -> OutstandingToken:
    """The token's row. It does not store the token itself, so reading the table lets nobody in."""
    row, _ = OutstandingToken.objects.get_or_create(
        jti=token[api_settings.JTI_CLAIM],
        defaults={
            "user": user,
            "token": "",
            "created_at": token.current_time,
            "expires_at": datetime_from_epoch(token["exp"]),
        },
    )
    return row


def _use_once(token: Token) -> bool:
    """Whether this is the token's first use."""
    row = OutstandingToken.objects.filter(jti=token[api_settings.JTI_CLAIM]).first()
    return row is not None and BlacklistedToken.objects.get_or_create(token=row)[1]


def _decode(kind: type[T], raw: str) -> T:
    try:
        return kind(raw)  # type: ignore[arg-type]  # the package says Token
    except TokenError as error:
        raise NotSignedIn from error


def _family_id(token: Token) -> UUID:
    try:
        return UUID(str(token.get("fam")))
    except ValueError as error:
        raise NotSignedIn from error


def _end() -> datetime:
    """When a refresh token that is issued now expires."""
    lifetime: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return timezone.now() + lifetime


def _family(token: Token, *, lock: bool = False) -> TokenFamily:
    """The token's family, with its user. Raises NotSignedIn or Suspended."""
    try:
        return _standing_family(token, lock=lock)
    except (NotSignedIn, Suspended):
        dead_families.add(str(token.get("fam")))
        raise


def _standing_family(token: Token, *, lock: bool) -> TokenFamily:
    families = TokenFamily.objects.select_related("user")
    if lock:
        families = families.select_for_update(of=("self",), no_key=True)
    try:
        family = families.get(pk=_family_id(token), user_id=token.get(api_settings.USER_ID_CLAIM))
    except (TokenFamily.DoesNotExist, ValidationError) as error:
        raise NotSignedIn from error
    if not family.user.is_active:
        raise NotSignedIn
    if family.user.is_suspended:  # first: a suspension also revokes, and the client must learn why
        raise Suspended
    if family.revoked_at or not family.user.has_issued(family.auth_hash):
        raise NotSignedIn
    return family
