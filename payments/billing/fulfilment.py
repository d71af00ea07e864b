"""The end of a purchase: it is credited when it is paid, or declined."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from payments.billing.catalogue import describe_pack
from payments.billing.models import Purchase
from payments.ledger import operations as ledger

Status = Purchase.Status


def fulfill(*, purchase_id: UUID) -> Purchase:
    """Mark the purchase as paid and credit it. Call it once the gateway is sure of the money.

    Repeated and simultaneous calls credit once: they lock the purchase's row, and the entry's key
    is made of its id. A purchase that failed or expired here is credited too: if the gateway took
    the money, we owe the tokens. A refunded one stays refunded. Raises Purchase.DoesNotExist.
    """
    with transaction.atomic():
        purchase = Purchase.objects.locked().get(pk=purchase_id)
        if purchase.entry_id is not None:
            return purchase
        purchase.entry = ledger.purchase(
            wallet_id=purchase.user_id,
            tokens=purchase.tokens,
            key=f"purchase:{purchase.pk}",
            description=describe_pack(purchase.pack),
            reference=str(purchase.pk),
        )
        purchase.status = Status.PAID
        purchase.save(update_fields=["entry", "status", "updated_at"])
    return purchase


def decline(*, purchase_id: UUID) -> Purchase:
    """Mark a pending purchase as failed; any other stays as it is. Credits nothing."""
    with transaction.atomic():
        purchase = Purchase.objects.locked().get(pk=purchase_id)
        if purchase.status == Status.PENDING:
            purchase.status = Status.FAILED
            purchase.save(update_fields=["status", "updated_at"])
    return purchase
