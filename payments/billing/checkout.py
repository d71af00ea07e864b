"""The beginning of a purchase: from a pack on the price list to the page where it is paid.

`start_checkout` writes the purchase and asks its gateway for the page where it is paid. Whatever
learns of the payment (the sandbox page, a webhook, the page people come back to) calls
`fulfilment.fulfill`, as often as it likes. docs/payments.md lists the states.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import User
from intellispark.api.idempotency import once
from intellispark.api.lookups import get_by_id
from intellispark.api.models import IdempotencyKey
from payments.billing.catalogue import Pack, get_pack
from payments.billing.gateways.registry import get_gateway, sells_tokens
from payments.billing.models import Purchase
from payments.errors import PaymentsOff

OPERATION = "checkout"


def start_checkout(
    *, user: User, pack: object, return_url: str, key: str = ""
) -> tuple[Purchase, str]:
    """A pending purchase of that pack, and the absolute URL where it is paid.

    `pack` is what the client sent. `return_url` is the absolute URL of the tokens page; the
    gateway sends the person back to it with `?purchase=<id>`. With a `key` (a client's
    Idempotency-Key, or the hidden one of a form) a repeated call returns the same purchase; if the
    first call died before its answer, the next one asks the gateway again.

    Raises PaymentsOff (403), UnknownPack and Invalid (422), IdempotencyConflict (409: the key
    belongs to another pack), NotFound (404: the purchase of that key is gone) and
    GatewayUnavailable (503: the purchase stays pending, and the same key asks again); NotSignedIn
    when the account was closed meanwhile.
    """
    pack_key = pack.strip() if isinstance(pack, str) else pack

    def make(record: IdempotencyKey) -> tuple[Purchase, IdempotencyKey]:
        if not sells_tokens():
            raise PaymentsOff
        lock_open_account(user.pk)
        return _create(record.resource_id, user, get_pack(pack_key)), record

    def replay(record: IdempotencyKey) -> tuple[Purchase, IdempotencyKey]:
        return get_by_id(Purchase.objects.owned_by(user), record.resource_id), record

    purchase, record = once(
        user=user, operation=OPERATION, key=key, body={"pack": pack_key}, make=make, replay=replay
    )
    if record.response:
        return purchase, record.response["url"]
    url = _open_session(purchase, return_url)
    record.answer(201, {"purchase_id": str(purchase.pk), "url": url})
    return purchase, url


def _create(purchase_id: UUID, user: User, pack: Pack) -> Purchase:
    return Purchase.objects.create(
        pk=purchase_id,
        user=user,
        pack=pack.key,
        tokens=pack.tokens,
        price_cents=pack.price_cents,
        currency=pack.currency,
        gateway=settings.PAYMENT_GATEWAY,
    )


def _open_session(purchase: Purchase, return_url: str) -> str:
    """The URL where to pay. Called outside any transaction, because a gateway may be slow."""
    back = f"{return_url}?purchase={purchase.pk}"
    return get_gateway(purchase.gateway).create_session(purchase, success_url=back, cancel_url=back)
