"""One effect for one client key, however often the request is sent.

A view looks the key up before anything else (`find`), so that a replay never meets a 402 or 409
of its own making. The row is inserted in the transaction of the effect (`claim`): a refused
request leaves nothing, and of two that race one finds the key taken, rolls back, and looks again:

    record = find(user=…, operation="chat.create", scope="", key=key, body=body)
    if record: return replay(record)
    try:
        with transaction.atomic():
            record = claim(user=…, …)
            …
            record.answer(201, response)
    except KeyTaken:
        return replay(find(…))

All of it is synchronous; async views call it through `sync_to_async`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

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


class IdempotencyConflict(DomainError):
    """The key was used for a request with another body."""

    code = "idempotency_conflict"
    status = 409
    detail = _("This Idempotency-Key was already used for a different request.")


class KeyTaken(Exception):
    """Somebody else claimed the key meanwhile. Roll back and `find` it."""


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


def find(
    *, user: AbstractBaseUser, operation: str, scope: str, key: str, body: Any
) -> IdempotencyKey | None:
    """The record of that key, or None. One query. Raises IdempotencyConflict for another body."""
    if not key:
        return None
    found = IdempotencyKey.objects.filter(
        user_id=user.pk,
        operation=operation,
        scope=scope,
        key=key,
        created_at__gt=_forgotten_before(),
    ).first()
    if found and found.body_hash != _hash(body):
        raise IdempotencyConflict
    return found


def claim(
    *, user: AbstractBaseUser, operation: str, scope: str, key: str, body: Any
) -> IdempotencyKey:
    """Take the key, inside the transaction of its effect. Raises KeyTaken.

    Without a key the record is a scrap of paper: its answers go nowhere.
    """
    record = IdempotencyKey(
        user_id=user.pk, operation=operation, scope=scope, key=key, body_hash=_hash(body)
    )
    if not key:
        return record
    IdempotencyKey.objects.filter(
        user_id=user.pk,
        operation=operation,
        scope=scope,
        key=key,
        created_at__lte=_forgotten_before(),
    ).delete()
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError as error:
        raise KeyTaken from error
    return record


def purge() -> int:
    """Forget the keys that are older than a day; says how many."""
    return IdempotencyKey.objects.filter(created_at__lte=_forgotten_before()).delete()[0]


def _forgotten_before() -> datetime:
    return timezone.now() - KEPT_FOR


def _hash(body: Any) -> str:
    """The same for the same JSON, in whatever order its names came."""
    text = json.dumps(body, sort_keys=True, cls=DjangoJSONEncoder, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
