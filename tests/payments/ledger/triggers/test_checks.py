"""What is wrong is found: triggers that are missing or weaker, and books that do not add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction
from django.test import Client, override_settings
from django.utils import timezone

from intellispark.accounts.models import User
from payments.audit.verify import differences
from payments.ledger import operations as ledger
from payments.ledger.triggers import install as triggers
from payments.ledger.triggers.checks import ledger_triggers, missing_triggers
from payments.ledger.triggers.install import trigger_names
from payments.models import LedgerEntry, Wallet
from tests.support.triggers import raw, without_triggers

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


@pytest.mark.parametrize("name", trigger_names("sqlite"))
@pytest.mark.sqlite
def test_a_dropped_trigger_is_found_on_sqlite(alice: User, name: str) -> None:
    raw(f"DROP TRIGGER {name}")
    assert missing_triggers() == [name]
    assert [error.id for error in ledger_triggers(databases=["default"])] == ["payments.E001"]
    assert Client().get("/readyz").status_code == 503


def test_the_check_command_finds_it_unasked(alice: User) -> None:
    call_command("check")
    with transaction.atomic():
        triggers.drop(connection)
    with pytest.raises(SystemCheckError, match="payments_entry_guard"):
        call_command("check")


@pytest.mark.parametrize("name", trigger_names("postgresql"))
@pytest.mark.postgresql
def test_a_dropped_trigger_is_found_on_postgresql(name: str) -> None:
    tables = {"wallet": "wallet", "entry": "ledgerentry", "seal": "ledgerseal"}
    raw(f"DROP TRIGGER {name} ON payments_{tables[name.split('_')[1]]}")
    assert missing_triggers() == [name]
    assert [error.id for error in ledger_triggers(databases=["default"])] == ["payments.E001"]
    assert Client().get("/readyz").status_code == 503


@pytest.fixture
def put_back(transactional_db: None) -> Iterator[None]:
    """What a test did to the triggers in real transactions ends with it."""
    yield
    with transaction.atomic():
        triggers.install(connection)


@pytest.mark.postgresql
@pytest.mark.usefixtures("put_back")
def test_a_disabled_or_reworded_trigger_is_found_on_postgresql(alice: User) -> None:
    raw("ALTER TABLE payments_ledgerentry DISABLE TRIGGER payments_entry_guard")
    raw(
        "CREATE OR REPLACE FUNCTION payments_wallet_moves() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN NEW; END $$"
    )
    assert missing_triggers() == [
        "payments_entry_guard",
        "payments_wallet_moves",
        "payments_wallet_moved",
    ]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "weaken",
    [
        "DROP TRIGGER payments_wallet_moved ON payments_wallet;"
        " CREATE CONSTRAINT TRIGGER payments_wallet_moved AFTER UPDATE ON payments_wallet"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (false)"
        " EXECUTE FUNCTION payments_wallet_moves()",
        "ALTER FUNCTION payments_wallet_moves() RESET search_path",
    ],
)
def test_a_trigger_with_another_condition_or_search_path_is_found(weaken: str) -> None:
    for sql in weaken.split(";"):
        raw(sql)
    assert "payments_wallet_moved" in missing_triggers()
    triggers.install(connection)
    assert missing_triggers() == []


@pytest.mark.django_db(transaction=True)
def test_check_ledger_names_what_differs(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_ledger")
    assert "1 wallets agree with their 1 entries." in capsys.readouterr().out
    with without_triggers():
        Wallet.objects.filter(pk=alice.pk).update(balance=99)
    with pytest.raises((SystemExit, CommandError)) as stopped:
        call_command("check_ledger")
    assert getattr(stopped.value, "code", 1) == 1
    assert f"{alice.pk}: the wallet says balance 99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"kind": "refund", "amount": 5}, "gives back nothing of its size"),
        ({"kind": "capture", "amount": -2, "held_change": -2}, "settles no open hold of its size"),
        ({"kind": "expiry", "amount": -2}, "expires 2 of a lot that had 0 left"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_reference_to_the_wrong_entry_is_found(
    alice: User, wrong: dict[str, Any], found: str
) -> None:
    """Written without triggers. Each refers to a spend of three."""
    ledger.hold(wallet_id=alice.pk, tokens=2, key="open")
    spent = ledger.spend(wallet_id=alice.pk, tokens=3, key="s")
    refers = {"refund": "reverses", "capture": "hold", "expiry": "lot"}[wrong["kind"]]
    with without_triggers():
        entry = write_by_hand(alice, **wrong, **{refers: spent})
    assert f"{alice.pk}: entry {entry.pk} {found}" in [str(one) for one in differences()]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "refund", "amount": 5, "reverses_id": 0},
        {"kind": "capture", "amount": -2, "held_change": -2, "hold_id": 0},
        {"kind": "expiry", "amount": -2, "lot_id": 0},
        {"kind": "adjustment", "amount": 2, "reason": "r", "actor_id": UUID(int=1)},
    ],
)
@pytest.mark.django_db(transaction=True)
def test_foreign_keys_refuse_a_reference_to_nothing_without_triggers_too(
    alice: User, wrong: dict[str, Any]
) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=2, key="open")
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        write_without_triggers(alice, **wrong)
    assert missing_triggers() == list(differences()) == []


@transaction.atomic
def write_without_triggers(user: User, **fields: Any) -> None:
    """With the foreign keys at work, which `without_triggers` puts aside too on PostgreSQL."""
    triggers.drop(connection)  # until the rollback
    write_by_hand(user, **fields)


@transaction.atomic
def write_by_hand(user: User, **fields: Any) -> LedgerEntry:
    """An entry whose computed columns are right, and the wallet moved, where no trigger does it."""
    wallet = Wallet.objects.get(pk=user.pk)
    after = {
        "balance": wallet.balance + fields["amount"],
        "held": wallet.held + fields.get("held_change", 0),
        "version": wallet.version + 1,
    }
    entry = LedgerEntry(
        wallet_id=user.pk,
        key="by hand",
        version=after["version"],
        epoch=1,
        balance_after=after["balance"],
        held_after=after["held"],
        created_at=timezone.now(),
        **fields,
    )
    entry.save()
    Wallet.objects.filter(pk=user.pk).update(**after)
    return entry


@override_settings(WELCOME_TOKENS=0)
def test_a_wallet_without_entries_that_moved_is_found(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("empty", "empty@example.com")
    with without_triggers():
        Wallet.objects.filter(pk=user.pk).update(balance=5)
    assert [str(found) for found in differences()] == [
        f"{user.pk}: the wallet moved, but has no entries"
    ]


def test_triggers_survive_a_second_migrate(alice: User) -> None:
    call_command("migrate", verbosity=0)
    assert missing_triggers() == []
    with pytest.raises(IntegrityError):
        raw("UPDATE payments_wallet SET balance = 1000")


@pytest.mark.django_db(transaction=True)
def test_migrate_puts_missing_triggers_back(alice: User) -> None:
    """As from the command line, with its checks."""
    with transaction.atomic():
        triggers.drop(connection)
    call_command("migrate", verbosity=0, skip_checks=False)
    assert missing_triggers() == []
