"""Every operation in every order, beside a plain model; and proof that the machine would notice.

`LEDGER_EXAMPLES=2000 pytest tests/payments/test_ledger_machine.py` looks harder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from payments.errors import InsufficientTokens
from payments.ledger import operations as ledger
from payments.ledger import posting
from payments.ledger.lots import Lots
from payments.ledger.triggers import install as triggers
from payments.models import LedgerEntry, Wallet
from tests.support.ledger_machine import LedgerMachine

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]

SETTINGS = settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "50")),
    stateful_step_count=25,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
# A mutant must be noticed; how briefly it can be told does not matter.
NOTICE = settings(
    SETTINGS,
    max_examples=400,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    derandomize=True,
)


def test_every_operation_keeps_the_laws() -> None:
    run_state_machine_as_test(LedgerMachine, settings=SETTINGS)


def no_funds_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that lets anybody spend anything."""
    _reword(monkeypatch, "NEW.balance_after - NEW.held_after < 0", "1 = 0")


def funds_before_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that looks at the funds first, so that a replay reads as "insufficient"."""
    post = posting.post

    def short_timeout(**fields: Any) -> LedgerEntry:
        wallet = Wallet.objects.get(pk=fields["wallet_id"])
        if fields["kind"] == "spend" and wallet.available < -fields["amount"]:
            raise InsufficientTokens(needed=-fields["amount"], available=wallet.available)
        return post(**fields)

    monkeypatch.setattr(ledger, "post", short_timeout)


def capture_frees_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture of a part that keeps the rest held, and a guard that does not mind."""
    _reword(monkeypatch, "AND h.held_change = -NEW.held_change", "")
    post = posting.post

    def stingy(**fields: Any) -> LedgerEntry:
        if fields["kind"] == "capture":
            fields["held_change"] = fields["amount"]
        return post(**fields)

    monkeypatch.setattr(ledger, "post", stingy)


def lots_in_the_wrong_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots that are taken latest expiry first."""
    take = Lots._take
    monkeypatch.setattr(
        Lots, "_take", lambda self, tokens, newest=False: take(self, tokens, newest=not newest)
    )


def expiry_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that lets tokens out after their date."""
    due = "w.next_expiry" if connection.vendor == "sqlite" else "due"
    _reword(monkeypatch, f"{due} <= NEW.created_at", "1 = 0")


MUTANTS = [
    no_funds_check,
    funds_before_key,
    capture_frees_too_little,
    lots_in_the_wrong_order,
    expiry_forgotten,
]


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_the_machine_notices(
    monkeypatch: pytest.MonkeyPatch, mutate: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(LedgerMachine, settings=NOTICE)


def _reword(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Put other laws into the database until the test's transaction is rolled back."""
    worded = triggers.statements(connection.vendor)
    reworded = [sql.replace(old, new) for sql in worded]
    assert reworded != worded
    monkeypatch.setattr(triggers, "statements", lambda vendor: reworded)
    if connection.vendor == "sqlite":  # which cannot replace a trigger
        triggers.install(connection)
        return
    with connection.cursor() as cursor:
        for before, after in zip(worded, reworded, strict=True):
            if before != after:
                cursor.execute(after)
