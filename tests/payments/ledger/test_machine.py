"""Every operation in every order, beside a plain model; and proof that the machine would notice.

`LEDGER_EXAMPLES=2000 pytest tests/payments/ledger/test_machine.py` looks harder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from payments.errors import InsufficientTokens
from payments.ledger import operations as ledger
from payments.ledger.lots import Lots
from payments.ledger.new_entry import NewEntry
from payments.ledger.posting import post
from payments.ledger.triggers import install as triggers
from payments.models import LedgerEntry, Wallet
from tests.support.ledger_machine import LedgerMachine
from tests.support.triggers import raw

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


def test_every_operation_keeps_the_invariants() -> None:
    run_state_machine_as_test(LedgerMachine, settings=SETTINGS)


def no_funds_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that lets anybody spend anything."""
    if connection.vendor == "sqlite":
        raw("PRAGMA ignore_check_constraints = ON")
    else:
        raw("ALTER TABLE payments_ledgerentry DROP CONSTRAINT ledger_insufficient")


def funds_before_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that looks at the funds first, so that a replay reads as "insufficient"."""

    def hasty(new: NewEntry) -> LedgerEntry:
        wallet = Wallet.objects.get(pk=new.wallet_id)
        if new.kind == "spend" and wallet.available < -new.amount:
            raise InsufficientTokens(needed=-new.amount, available=wallet.available)
        return post(new)

    monkeypatch.setattr(ledger, "post", hasty)


def capture_frees_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture of a part that keeps the rest held, and a trigger that does not mind."""
    _reword(monkeypatch, "AND h.held_change = -NEW.held_change", "")

    def stingy(new: NewEntry) -> LedgerEntry:
        return post(replace(new, held_change=new.amount) if new.kind == "capture" else new)

    monkeypatch.setattr(ledger, "post", stingy)


def lots_in_the_wrong_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots that are taken latest expiry first."""
    take = Lots._take
    monkeypatch.setattr(
        Lots, "_take", lambda self, tokens, newest=False: take(self, tokens, newest=not newest)
    )


def expiry_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger that lets tokens out after their date."""
    due = "w.next_expiry" if connection.vendor == "sqlite" else "due"
    _reword(monkeypatch, f"{due} <= NEW.created_at", "1 = 0")


MUTANTS = [
    no_funds_check,
    funds_before_key,
    capture_frees_too_little,
    lots_in_the_wrong_order,
    expiry_forgotten,
]


@pytest.fixture
def _checks_again(db: None) -> Iterator[None]:
    """PostgreSQL's come back with the test's transaction; SQLite's were switched off."""
    yield
    if connection.vendor == "sqlite":
        raw("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.usefixtures("_checks_again")
@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_the_machine_notices(
    monkeypatch: pytest.MonkeyPatch, mutate: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(LedgerMachine, settings=NOTICE)


def _reword(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Put other triggers into the database until the test's transaction is rolled back."""
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
