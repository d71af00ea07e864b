"""Payment gateways: a short key in settings.PAYMENT_GATEWAYS leads to a dotted path.

How to add one stands in docs/payments.md.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from payments.models import Purchase


class Gateway(Protocol):
    """Where a person pays. It never touches the ledger: it reports to payments.checkout."""

    key: str

    def create_session(self, purchase: Purchase, *, success_url: str, cancel_url: str) -> str:
        """The absolute URL of the page where `purchase` is paid.

        Asked again for the same purchase it must lead to the same payment, never to a second
        one. Called outside any transaction. Raises GatewayUnavailable.
        """


def active_gateway() -> Gateway:
    """The gateway that new purchases go to."""
    return get_gateway(settings.PAYMENT_GATEWAY)


def get_gateway(key: str) -> Gateway:
    """The gateway of that key: a purchase stays with the one it began with."""
    return _load(settings.PAYMENT_GATEWAYS[key])


@cache
def _load(path: str) -> Gateway:
    return import_string(path)()
