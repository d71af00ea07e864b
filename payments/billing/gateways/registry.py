"""Finds payment gateways: settings.PAYMENT_GATEWAYS maps a short key to a dotted path. `base.py`
says how to add one."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from payments.billing.gateways.base import Gateway


def sells_tokens() -> bool:
    """Whether a gateway is active: PAYMENTS names one, or `off`."""
    return settings.PAYMENT_GATEWAY in settings.PAYMENT_GATEWAYS


def get_gateway(key: str) -> Gateway:
    """The gateway of that key. A purchase keeps the gateway that it started with."""
    return _load(settings.PAYMENT_GATEWAYS[key])


@cache
def _load(path: str) -> Gateway:
    gateway: Gateway = import_string(path)()
    return gateway
