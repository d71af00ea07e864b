"""A book from before the constraints gets them, and stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from intellispark.accounts.models import User
from payments.audit import seals
from payments.audit.export import COLUMNS
from payments.audit.verify import differences
from payments.errors import InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.models.constraints import ENTRY_CHECKS
from payments.ledger.new_entry import NewEntry
from payments.ledger.posting import expire_due_lots, post
from payments.ledger.triggers.checks import missing_constraints, missing_triggers
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.server import ROOT, database_url
from tests.support.time_travel import in_days, pass_time
from tests.support.triggers import raw, without_triggers

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]

BEFORE = "0002_references_by_guard"
ADDED = [
    *(check.name for check in ENTRY_CHECKS),
    *(f"payments_ledgerentry.{name}_id" for name in ("wallet", "hold", "reverses", "lot")),
]


@pytest.fixture
def old_schema(transactional_db: None) -> Iterator[None]:
    call_command("migrate", "payments", BEFORE, verbosity=0)
    yield
    call_command("migrate", verbosity=0)


def migrate_in_its_own_process() -> subprocess.CompletedProcess[str]:
    """As an operator does: with a refused migration the process ends, and its transaction too."""
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "TEST_DB_SUFFIX": "",  # the name above is whole
        "PYTEST_XDIST_WORKER": "",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def fill() -> None:
    """Two wallets with an entry of every kind, an open hold, and a hold that keeps due tokens."""
    alice, admin = make_user(tokens=100), make_user()
    ledger.grant(wallet_id=alice.pk, tokens=30, key="dated", expires_at=in_days(1))
    ledger.purchase(wallet_id=alice.pk, tokens=50, key="p", description="pack", reference="r")
    part = ledger.hold(wallet_id=alice.pk, tokens=5, key="h1")
    ledger.capture(hold=part, tokens=3, key="c1")
    ledger.release(hold=ledger.hold(wallet_id=alice.pk, tokens=7, key="h2"), key="r2")
    ledger.hold(wallet_id=alice.pk, tokens=2, key="open")
    pass_time(timedelta(days=2))
    expire_due_lots(wallet_id=alice.pk)
    spent = ledger.spend(wallet_id=alice.pk, tokens=10, key="s")
    ledger.refund(entry=spent, key="back")
    ledger.adjust(wallet_id=alice.pk, tokens=-4, key="a", actor=admin, reason="why")
    ledger.clawback(wallet_id=alice.pk, tokens=500, key="claw", reference="r")
    ledger.write_off(wallet_id=alice.pk, tokens=9, key="w", actor=admin, reason="why")
    assert {*LedgerEntry.objects.values_list("kind", flat=True)} == {*LedgerEntry.Kind.values}


def book() -> tuple[list[Any], list[Any]]:
    entries = LedgerEntry.objects.order_by("pk").values_list(*COLUMNS)
    return list(entries), list(Wallet.objects.order_by("pk").values_list())


def test_a_filled_book_migrates_and_is_what_it_was(old_schema: None) -> None:
    fill()
    before = book()
    seals.seal()
    call_command("migrate", verbosity=0)
    assert book() == before
    assert list(differences()) == list(seals.broken()) == []
    assert missing_triggers() == missing_constraints() == []
    call_command("check")
    call_command("check_ledger")
    user = User.objects.order_by("date_joined")[0]
    with pytest.raises(InvariantViolated):
        post(NewEntry(kind=LedgerEntry.Kind.GRANT, wallet_id=user.pk, key="new", amount=-1))


def test_there_and_back_again(old_schema: None) -> None:
    fill()
    before = book()
    call_command("migrate", verbosity=0)
    call_command("migrate", "payments", BEFORE, verbosity=0)
    assert book() == before
    assert missing_triggers() == []


def test_what_the_old_schema_lacks_is_found(old_schema: None) -> None:
    assert {*missing_constraints()} == {*ADDED}
    assert "ledger_triggers" in str(Client().get("/readyz").json()["problems"])
    call_command("migrate", verbosity=0, skip_checks=False)  # its checks do not stand in its way
    assert missing_constraints() == []


def test_an_entry_that_refers_to_nothing_stops_the_migration(old_schema: None) -> None:
    """It was written with the triggers switched off: `check_ledger` names it, a person mends it."""
    user = make_user()
    with without_triggers():
        entry = LedgerEntry(
            wallet_id=user.pk,
            kind="capture",
            amount=-1,
            held_change=-1,
            hold_id=0,
            key="forged",
            version=2,
            balance_after=9,
            held_after=-1,
        )
        entry.save()
    try:
        assert "settles no open hold" in str(list(differences()))
        ended = migrate_in_its_own_process()
        assert ended.returncode != 0
        assert "IntegrityError" in ended.stderr
    finally:
        with without_triggers():
            raw(f"DELETE FROM payments_ledgerentry WHERE id = {entry.pk}")
