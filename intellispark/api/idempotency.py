"""One effect for one client key, however often the request is sent.

A service hands its whole work to `once`, and with it the two answers to a key:

    def make(record):      # the key is new: check the request, then have the effect
        pack = get_pack(asked)
        return Purchase.objects.create(pk=record.resource_id, …)

    def replay(record):    # the key has had its effect: find what it made
        return get_by_id(Purchase.objects.owned_by(user), record.resource_id)

    return once(user=user, operation="checkout", key=key, body=…, make=make, replay=replay)

The key is looked up before anything is checked, so a replay never meets a 402 or 409 of its own
making. Its row is inserted in the transaction of the effect, so a refused request leaves nothing.
All of it is synchronous; async views call it in a thread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from intellispark.api.errors import DomainError, Invalid
from intellispark.api.models import IdempotencyKey

KEY_MAX_CHARS = 80
KEY_SCHEMA = {"type": "string", "maxLength": KEY_MAX_CHARS, "pattern": "^[ -~]*$"}
KEPT_FOR = timedelta(hours=24)

T = TypeVar("T")


class IdempotencyConflict(DomainError):
    """The key was used for a request with another body."""

    code = "idempotency_conflict"
    status = 409
    detail = _("This Idempotency-Key was already used for a different request.")


class _KeyTaken(Exception):
    """An equal request has inserted the key since the look-up."""


def client_key(request: HttpRequest | Request) -> str:
    """The request's `Idempotency-Key`, empty without one. Raises Invalid (422)."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > KEY_MAX_CHARS:
        raise Invalid.field(
            "Idempotency-Key", _("At most %(max)d characters.") % {"max": KEY_MAX_CHARS}
        )
    if not key.isascii() or not key.isprintable():
        raise Invalid.field("Idempotency-Key", _("Only printable ASCII characters."))
    return key


def once(
    *,
    user: AbstractBaseUser,
    operation: str,
    scope: str = "",
    key: str,
    body: Any,
    make: Callable[[IdempotencyKey], T],
    replay: Callable[[IdempotencyKey], T],
) -> T:
    """What `make` returns, or, when the key has had its effect already, what `replay` returns.

    `make` runs in one transaction with the insertion of the key, and gives what it makes the id
    `record.resource_id`. Whatever may refuse the request belongs in it, validation of the body
    too; when it raises, neither the key nor anything else remains. `replay` gets the row of the
    first request, and raises NotFound when what that made is gone.

    Two requests are equal when user, operation, scope and key are; without a key none is. Of equal
    ones at once, one makes, and the others wait for its commit and replay. A key counts for
    `KEPT_FOR`, then it is as good as new. Raises IdempotencyConflict when the key came with
    another body. Queries of its own: one look-up, one insertion, and one deletion of an old key.
    """
    record = IdempotencyKey(
        user_id=user.pk,
        operation=operation,
        scope=scope,
        key=key,
        body_hash=_hash(body),
        reference=str(uuid4()),
    )
    while True:
        found = _find(record)
        if found and found.created_at > _forgotten_before():
            if found.body_hash != record.body_hash:
                raise IdempotencyConflict
            return replay(found)
        try:
            with transaction.atomic():
                _insert(record, instead_of=found)
                return make(record)
        except _KeyTaken:
            continue


def _find(record: IdempotencyKey) -> IdempotencyKey | None:
    """The row of the same key, however old it is."""
    if not record.key:
        return None
    return IdempotencyKey.objects.filter(
        user_id=record.user_id, operation=record.operation, scope=record.scope, key=record.key
    ).first()


def _insert(record: IdempotencyKey, *, instead_of: IdempotencyKey | None) -> None:
    """Raises _KeyTaken, which has to leave the transaction: PostgreSQL has aborted it.

    It waits where an equal request is in the middle of its effect, and comes through where that
    is refused. A record without a key is never stored.
    """
    if not record.key:
        return
    if instead_of:
        IdempotencyKey.objects.filter(pk=instead_of.pk).delete()
    try:
        record.save(force_insert=True)
    except IntegrityError as error:
        raise _KeyTaken from error


def purge() -> int:
    """Delete the keys that are older than a day; the result is their number."""
    return IdempotencyKey.objects.filter(created_at__lte=_forgotten_before()).delete()[0]


def _forgotten_before() -> datetime:
    return timezone.now() - KEPT_FOR


def _hash(body: Any) -> str:
    """A hash that does not depend on the order of the JSON's names."""
    text = json.dumps(body, sort_keys=True, cls=DjangoJSONEncoder, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
