"""What a payment gateway is. How to add one stands in docs/payments.md."""

from __future__ import annotations

from typing import Protocol

from payments.billing.models import Purchase


class Gateway(Protocol):
    """Where a person pays. It never touches the ledger: it reports to `billing.fulfilment`."""

    key: str

    def create_session(self, purchase: Purchase, *, success_url: str, cancel_url: str) -> str:
        """The absolute URL of the page where `purchase` is paid.

        Asked again for the same purchase it must lead to the same payment, never to a second
        one. Called outside any transaction. Raises GatewayUnavailable.
        """
