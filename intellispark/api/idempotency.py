"""One effect for one client key, however often the request is sent.

A service passes its whole work to `once`, as two functions:

    def make(record):      # the key is new: check the request, then write
        pack = get_pack(pack_key)
        return Purchase.objects.create(pk=record.resource_id, …)

    def replay(record):    # the key was used before: find what it made
        return get_by_id(Purchase.objects.owned_by(user), record.resource_id)

    return once(user=user, operation="checkout", key=key, body=…, make=make, replay=replay)

`once` claims the key before the service checks anything, so a replay never gets a 402 or 409 that
its first request caused. The key's row is inserted in the transaction of the effect, so a refused
request leaves nothing. All of it is synchronous; async views call it in a thread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from intellispark.api.errors import DomainError, Invalid
from intellispark.api.models import IdempotencyKey
from intellispark.db import ago, delete_in_batches, sql_of_ago

KEY_MAX_CHARS = 80
KEY_SCHEMA = {"type": "string", "maxLength": KEY_MAX_CHARS, "pattern": "^[ -~]*$"}
KEPT_FOR = timedelta(hours=24)
# Django's own upsert takes no condition and does not say what it did.
CLAIM = """
INSERT INTO api_idempotencykey
  (user_id, operation, scope, "key", body_hash, reference, created_at)
VALUES (%s, %s, %s, %s, %s, %s, {now})
ON CONFLICT (user_id, operation, scope, "key") DO UPDATE SET
  body_hash = excluded.body_hash, reference = excluded.reference,
  created_at = excluded.created_at, status = NULL, response = NULL
WHERE api_idempotencykey.created_at <= {forgotten}
RETURNING id
"""

T = TypeVar("T")


class IdempotencyConflict(DomainError):
    """The key was used for a request with another body."""

    code = "idempotency_conflict"
    status = 409
    detail = _("This Idempotency-Key was already used for a different request.")


def client_key(request: HttpRequest | Request) -> str:
    """The request's `Idempotency-Key`, empty without one. Raises Invalid (422)."""
    key: str = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > KEY_MAX_CHARS:
        raise Invalid.field(
            "Idempotency-Key", _("At most %(max)d characters.") % {"max": KEY_MAX_CHARS}
        )
    if not key.isascii() or not key.isprintable():
        raise Invalid.field("Idempotency-Key", _("Only printable ASCII characters."))
    return key


def form_key(request: HttpRequest) -> str:
    """The hidden `key` of a form, so that a double click is one request.

    A form without a key of ours is a request of its own.
    """
    try:
        return str(UUID(request.POST.get("key", "")))
    except ValueError:
        return str(uuid4())


def once(
    *,
    user: AbstractBaseUser,
    operation: str,
    scope: str = "",
    key: str,
    body: object,
    make: Callable[[IdempotencyKey], T],
    replay: Callable[[IdempotencyKey], T],
) -> T:
    """The result of `make`, or that of `replay` when the key was used before.

    `make` runs in one transaction with the insertion of the key. It gives what it makes the id
    `record.resource_id`, and does every check that may refuse the request, also of the body; when
    it raises, neither the key nor anything else is stored. `replay` gets the row of the first
    request, and raises NotFound when what that made was deleted.

    Two requests are equal when user, operation, scope and key are equal; a request without a key
    equals no other. Of equal requests at the same moment one makes; the others wait for its commit
    and replay. A key is forgotten after `KEPT_FOR`. Raises IdempotencyConflict when the key came
    with another body. Own queries: one insertion, and one look-up where the key was used before.
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
        with transaction.atomic():
            if _claimed(record):
                return make(record)
        found = _find(record)
        if found is None:  # purged meanwhile
            continue
        if found.body_hash != record.body_hash:
            raise IdempotencyConflict
        return replay(found)


def _claimed(record: IdempotencyKey) -> bool:
    """Insert the row, or take over that of a forgotten key; False when the key is in use. A record
    without a key needs no row. While an equal request runs, this waits for its end."""
    if not record.key:
        return True
    of_user = IdempotencyKey._meta.get_field("user")
    values = [
        of_user.get_db_prep_save(record.user_id, connection),
        record.operation,
        record.scope,
        record.key,
        record.body_hash,
        record.reference,
    ]
    clock = {"now": sql_of_ago(timedelta()), "forgotten": sql_of_ago(KEPT_FOR)}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(**clock), values)
        row = cursor.fetchone()
    if row is None:
        return False
    (record.pk,) = row
    return True


def _find(record: IdempotencyKey) -> IdempotencyKey | None:
    """The row of the same key."""
    return IdempotencyKey.objects.filter(
        user_id=record.user_id, operation=record.operation, scope=record.scope, key=record.key
    ).first()


def purge() -> int:
    """Delete the keys that are older than a day; the result is their number."""
    return delete_in_batches(IdempotencyKey.objects.filter(created_at__lte=ago(KEPT_FOR)))


def _hash(body: object) -> str:
    """A hash that does not depend on the order of the JSON's names."""
    text = json.dumps(body, sort_keys=True, cls=DjangoJSONEncoder, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
