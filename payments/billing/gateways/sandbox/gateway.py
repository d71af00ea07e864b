"""The sandbox: a page of our own where a person plays the bank. No money moves."""

from __future__ import annotations

from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from payments.billing.fulfilment import decline, fulfill
from payments.billing.models import Purchase


class SandboxGateway:
    key = "sandbox"

    def create_session(self, purchase: Purchase, *, success_url: str, cancel_url: str) -> str:
        return urljoin(success_url, reverse("sandbox", args=[purchase.pk]))


def sandbox_is_active() -> bool:
    """Whether new purchases are paid in the sandbox. If not, its page must credit nothing."""
    return settings.PAYMENT_GATEWAY == "sandbox"


def answer_sandbox(*, purchase_id: UUID, confirmed: bool) -> Purchase:
    """Carry out the person's first answer; every later one changes nothing.

    A real bank closes its session with the first answer. Here the purchase's lock does that:
    without it a confirm could credit a purchase that a simultaneous decline has just refused.
    """
    with transaction.atomic():
        purchase = Purchase.objects.locked().get(pk=purchase_id, gateway=SandboxGateway.key)
        if purchase.status != Purchase.Status.PENDING:
            return purchase
        if confirmed:
            return fulfill(purchase_id=purchase.pk)
        return decline(purchase_id=purchase.pk)
