"""The balance that every page shows before its scripts run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from payments.ledger.balance import balance_of
from payments.ledger.models import Wallet


def balance(request: HttpRequest) -> dict[str, Any]:
    """`balance` for the partial `_balance.html`: one query, and only when a page shows it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"balance": SimpleLazyObject(lambda: balance_of(Wallet.objects.for_user(user.pk)))}
