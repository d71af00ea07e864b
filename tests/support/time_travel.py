"""Lets time pass for the ledger, whose clock is the database's and cannot be moved, so its past is;
and lets it stand still for rate limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import limits.aio.storage.memory
import limits.aio.strategies
import pytest
from django.core.cache import cache
from django.db import connection, models, transaction
from django.db.models.expressions import CombinedExpression, F, Value

from intellispark.accounts import rate_limits
from intellispark.db import database_now
from payments.models import LedgerEntry, Wallet
from tests.support.triggers import without_triggers

TIMES: dict[type[models.Model], list[str]] = {
    LedgerEntry: ["created_at", "expires_at"],
    Wallet: ["next_expiry", "overdue_since"],
}


def pass_time(by: timedelta) -> None:
    """Every wallet and entry is that much older (younger when negative: the clock moved back)."""
    cache.clear()  # what was read of them has the old dates
    with without_triggers(), transaction.atomic():
        for model, names in TIMES.items():
            changes = {name: _earlier(name, by) for name in names}
            models.QuerySet(model).update(**changes)


def _earlier(name: str, by: timedelta) -> Any:
    if connection.vendor == "postgresql":
        return CombinedExpression(F(name), "-", Value(by), output_field=models.DateTimeField())
    seconds = f"{-by.total_seconds():+.3f} seconds"
    return models.Func(
        Value("%Y-%m-%d %H:%M:%f000"),  # six digits, as Django writes them
        F(name),
        Value(seconds),
        function="STRFTIME",
        output_field=models.DateTimeField(),
    )


def in_days(days: float) -> datetime:
    """That many days from now, by the database's clock."""
    return database_now() + timedelta(days=days)


def stand_still(monkeypatch: pytest.MonkeyPatch, at: float = 6_001.0) -> None:
    """What is counted in memory stays in one window: no minute begins in the middle of a test.
    Call it again to move on."""
    clock = SimpleNamespace(time=lambda: at)
    for module in (rate_limits, limits.aio.storage.memory, limits.aio.strategies):
        monkeypatch.setattr(module, "time", clock)
