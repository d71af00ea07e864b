"""The beginning of a purchase: from a pack on the price list to the page where it is paid.

`start_checkout` writes the purchase and asks its gateway where to pay; whatever learns that it was
paid (the sandbox page, a webhook, the page people come back to) calls `fulfilment.fulfill`, as
often as it likes. The states are drawn in docs/payments.md.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.models import IdempotencyKey
from payments.billing.catalogue import Pack, get_pack
from payments.billing.gateways.registry import get_gateway
from payments.billing.models import Purchase

OPERATION = "checkout"


def start_checkout(
    *, user: User, pack: str, return_url: str, key: str = ""
) -> tuple[Purchase, str]:
    """A pending purchase of that pack, and the absolute URL where it is paid.

    `return_url` is the absolute URL of the tokens page; the gateway sends the person back to it
    with `?purchase=<id>`. With a `key` (a client's Idempotency-Key, or the hidden one of a form)
    a repetition leads to the same purchase and never makes a second one.

    Raises UnknownPack (422), IdempotencyConflict (409: the key belongs to another pack) and
    GatewayUnavailable (503: the purchase stays pending, and the same key asks again).
    """
    request: dict[str, Any] = {
        "user": user,
        "operation": OPERATION,
        "scope": "",
        "key": key,
        "body": {"pack": pack},
    }
    if record := idempotency.find(**request):
        return _resume(record, return_url)
    chosen = get_pack(pack)
    try:
        with transaction.atomic():
            record = idempotency.claim(**request)
            purchase = _create(user, chosen)
            record.refer(str(purchase.pk))
    except idempotency.KeyTaken:
        # Its twin was faster by a moment, and has committed.
        return start_checkout(user=user, pack=pack, return_url=return_url, key=key)
    return purchase, _open_session(purchase, return_url, record)


def _create(user: User, pack: Pack) -> Purchase:
    return Purchase.objects.create(
        user=user,
        pack=pack.key,
        tokens=pack.tokens,
        price_cents=pack.price_cents,
        currency=pack.currency,
        gateway=settings.PAYMENT_GATEWAY,
    )


def _resume(record: IdempotencyKey, return_url: str) -> tuple[Purchase, str]:
    """What the key led to before. A start that died before its answer is brought to its end."""
    purchase = Purchase.objects.get(pk=record.reference)
    if record.response:
        return purchase, record.response["url"]
    return purchase, _open_session(purchase, return_url, record)


def _open_session(purchase: Purchase, return_url: str, record: IdempotencyKey) -> str:
    """Where to pay. Outside any transaction: a gateway may take its time."""
    back = f"{return_url}?purchase={purchase.pk}"
    url = get_gateway(purchase.gateway).create_session(purchase, success_url=back, cancel_url=back)
    record.answer(201, {"purchase_id": str(purchase.pk), "url": url})
    return url
