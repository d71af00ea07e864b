"""Every operation in every order, beside a plain model; and proof that the machine would notice.

`LEDGER_EXAMPLES=2000 pytest tests/payments/ledger/test_machine.py` looks harder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
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

pytestmark = pytest.mark.both_engines

SETTINGS = settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "50")),
    stateful_step_count=25,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db(transaction=True)  # PostgreSQL drags along what one transaction rolls back
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
        Lots,
        "_take",
        lambda self, tokens, *, from_end=False: take(self, tokens, from_end=not from_end),
    )


def expiry_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger that lets tokens out after their date."""
    due = "w.next_expiry" if connection.vendor == "sqlite" else "due"
    _reword(monkeypatch, f"{due} <= NEW.created_at", "1 = 0")


# Each with the shortest story that brings it to light, as the machine tells it when it finds one.
MUTANTS = {
    no_funds_check: [("spend", {"tokens": 9}), ("spend", {"tokens": 9})],
    funds_before_key: [("spend", {"tokens": 9}), ("replay", {"pick": 0})],
    capture_frees_too_little: [("hold", {"tokens": 3}), ("capture", {"pick": 0, "tokens": 1})],
    lots_in_the_wrong_order: [
        ("grant", {"tokens": 5, "days": 1}),
        ("spend", {"tokens": 3}),
        ("let_days_pass", {"days": 2}),
        ("housekeeping", {}),
    ],
    expiry_forgotten: [
        ("grant", {"tokens": 1, "days": 1}),
        ("let_days_pass", {"days": 1}),
        ("spend", {"tokens": 1}),
    ],
}


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
    play(MUTANTS[mutate])
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        play(MUTANTS[mutate])


def play(story: list[tuple[str, dict[str, int]]]) -> None:
    """Those steps of the machine, each with its checks."""
    machine = LedgerMachine()
    try:
        for rule, arguments in story:
            getattr(machine, rule)(**arguments)
            machine.book_agrees()
            machine.invariants_hold()
    finally:
        machine.teardown()


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
