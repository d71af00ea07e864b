"""A CHECK or foreign key that the database does not keep is found.

On SQLite, where none can be dropped: tests/payments/ledger/test_migration.py.
"""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from payments.ledger.models.constraints import ENTRY_CHECKS
from payments.ledger.triggers.checks import ledger_triggers, missing_constraints
from tests.support.triggers import raw

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]

KEYS = ("wallet_id", "hold_id", "reverses_id", "lot_id", "actor_id")


def test_all_are_there_after_migrations() -> None:
    assert missing_constraints() == []


@pytest.mark.postgresql
@pytest.mark.parametrize("name", [check.name for check in ENTRY_CHECKS])
def test_a_dropped_check_is_found(name: str) -> None:
    raw(f"ALTER TABLE payments_ledgerentry DROP CONSTRAINT {name}")
    assert missing_constraints() == [name]
    assert [error.id for error in ledger_triggers(databases=["default"])] == ["payments.E002"]
    assert Client().get("/readyz").status_code == 503
    with pytest.raises(SystemExit):
        call_command("check_ledger")


@pytest.mark.postgresql
@pytest.mark.parametrize("column", KEYS)
def test_a_dropped_foreign_key_is_found(column: str) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "payments_ledgerentry")
    (name,) = (
        name for name, each in found.items() if each["foreign_key"] and each["columns"] == [column]
    )
    raw(f"ALTER TABLE payments_ledgerentry DROP CONSTRAINT {name}")
    assert missing_constraints() == [f"payments_ledgerentry.{column}"]


@pytest.mark.postgresql
def test_a_check_that_old_rows_were_not_held_to_is_found() -> None:
    table = "ALTER TABLE payments_ledgerentry"
    raw(f"{table} DROP CONSTRAINT ledger_counts")
    raw(f"{table} ADD CONSTRAINT ledger_counts CHECK (version >= 1) NOT VALID")
    assert missing_constraints() == ["ledger_counts"]
    raw(f"{table} VALIDATE CONSTRAINT ledger_counts")
    assert missing_constraints() == []


@pytest.mark.postgresql
def test_a_foreign_key_that_is_switched_off_is_found() -> None:
    raw("ALTER TABLE payments_ledgerseal DISABLE TRIGGER ALL")
    assert missing_constraints() == ["payments_ledgerseal.wallet_id"]
