"""Payment gateways: a short key in settings.PAYMENT_GATEWAYS leads to a dotted path.

How to add one stands in docs/payments.md.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from payments.billing.gateways.base import Gateway


def active_gateway() -> Gateway:
    """The gateway that new purchases go to."""
    return get_gateway(settings.PAYMENT_GATEWAY)


def get_gateway(key: str) -> Gateway:
    """The gateway of that key: a purchase stays with the one it began with."""
    return _load(settings.PAYMENT_GATEWAYS[key])


@cache
def _load(path: str) -> Gateway:
    return import_string(path)()
