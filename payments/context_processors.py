"""The balance that every page shows before its scripts run."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from payments.billing.gateways.registry import sells_tokens
from payments.ledger.balance import balance_of
from payments.ledger.models import Wallet


def balance(request: HttpRequest) -> dict[str, object]:
    """For the `_balance.html` partials: `balance` (one query, and only where a page shows it), and
    the numbers of tokens from which on down it is low and very low; and whether any are sold."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "balance": SimpleLazyObject(lambda: balance_of(Wallet.objects.for_user(user.pk))),
        "balance_low_at": settings.BALANCE_LOW_AT,
        "balance_very_low_at": settings.BALANCE_VERY_LOW_AT,
        "sells_tokens": sells_tokens(),
    }
