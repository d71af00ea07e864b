"""The interface of a payment gateway, a way to pay.

To add one, make a folder beside `sandbox/` with a class that has these methods, its views and
`urls.py`, and name the class in `settings.PAYMENT_GATEWAYS`; docs/payments.md has the details.
"""

from __future__ import annotations

from typing import Protocol

from payments.billing.models import Purchase


class Gateway(Protocol):
    """A way to pay. It never touches the ledger: it calls `billing.fulfilment`."""

    key: str

    def create_session(self, purchase: Purchase, *, success_url: str, cancel_url: str) -> str:
        """The absolute URL of the page where `purchase` is paid.

        Called again for the same purchase, it must lead to the same payment, not to a second one.
        It is called outside any transaction. Raises GatewayUnavailable.
        """
