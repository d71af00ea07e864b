"""An entry's own INSERT against Django's: the same row, the same errors, the same signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import BigIntegerField, Model
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from intellispark.accounts.models import User
from payments.ledger.models.entry import LedgerEntry as Entry
from payments.models import LedgerEntry, Wallet
from tests.support.time_travel import in_days

pytestmark = pytest.mark.both_engines

OWN = {"id", "created_at", "version", "balance_after", "key"}  # another row is another row


def djangos_save(entry: LedgerEntry) -> None:
    """`Model.save()`; on SQLite the columns that a trigger cannot fill are computed as ours are."""
    if connection.vendor == "sqlite":

        def of_wallet(expression: str) -> Any:
            sql = f"(SELECT {expression} FROM payments_wallet WHERE user_id = %s)"
            return RawSQL(sql, [UUID(str(entry.wallet_id)).hex], output_field=BigIntegerField())

        entry.version, entry.epoch = of_wallet("version + 1"), of_wallet("epoch")
        entry.balance_after = of_wallet(f"balance + {entry.amount}")
        entry.held_after = of_wallet(f"held + {entry.held_change}")
    Model.save(entry, force_insert=True)


@contextmanager
def heard() -> Iterator[list[dict[str, Any]]]:
    """The signals that were sent, with what the instance looked like then."""
    found: list[dict[str, Any]] = []

    def listen(instance: LedgerEntry, **kwargs: Any) -> None:
        seen = dict(kwargs, columns=columns(instance) if "created" in kwargs else {})
        found.append(seen | {"adding": instance._state.adding, "db": instance._state.db})

    for signal in (pre_save, post_save):
        signal.connect(listen, sender=Entry)
    try:
        yield found
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(listen, sender=Entry)


def columns(entry: LedgerEntry) -> dict[str, Any]:
    return {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields}


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in OWN}


@pytest.fixture(params=["autocommit", "in a transaction", "watched"])
def way(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """The ways down: prepared, prepared inside a transaction, and through Django's cursor."""
    if request.param == "in a transaction":
        with transaction.atomic(), transaction.atomic():
            yield
    elif request.param == "watched":
        with CaptureQueriesContext(connection):
            yield
    else:
        yield


FULL = {
    "kind": "grant",
    "amount": 7,
    "op": "client-key",
    "reason": "为什么",
    "description": "O'Brien's \\ 100 % \"text\" $1",
    "reference": "r",
}


@pytest.mark.usefixtures("way")
def test_the_same_row_and_the_same_signals(alice: User, bob: User) -> None:
    full = FULL | {"actor": bob, "expires_at": in_days(3), "wallet_id": alice.pk}
    with heard() as ours:
        mine = LedgerEntry(**full, key="ours")
        mine.save()
    with heard() as theirs:
        django = LedgerEntry(**full, key="theirs")
        djangos_save(django)
    for entry in (mine, django):
        assert columns(entry) == columns(LedgerEntry.objects.get(pk=entry.pk))
        assert {type(value) for value in columns(entry).values()} == {
            type(value) for value in columns(LedgerEntry.objects.get(pk=entry.pk)).values()
        }
    assert comparable(columns(mine)) == comparable(columns(django))
    assert django.version == mine.version + 1
    assert timedelta(0) <= django.created_at - mine.created_at < timedelta(minutes=1)
    for sent in (*ours, *theirs):
        sent["columns"] = comparable(sent["columns"])
    assert ours == theirs


@pytest.mark.usefixtures("way")
def test_ids_and_dates_may_be_given_as_text(alice: User, bob: User) -> None:
    texts = {"wallet_id": alice.pk, "actor_id": bob.pk, "expires_at": in_days(3)}
    rows = []
    for save in (LedgerEntry.save, djangos_save):
        given = {name: str(value) for name, value in texts.items()}
        entry = LedgerEntry(**FULL, **given, key=save.__name__)
        save(entry)
        rows.append(comparable(columns(LedgerEntry.objects.get(pk=entry.pk))))
    assert rows[0] == rows[1] == rows[0] | texts


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "spend", "amount": -999},
        {"kind": "spend", "amount": 1},
        {"kind": "grant", "amount": 1, "key": "welcome"},
        {"kind": "spend", "amount": -(2**70)},
        {"kind": "adjustment", "amount": 1},
        {"kind": "capture", "amount": -1, "held_change": -1, "hold_id": 0},
        {"kind": "nothing", "amount": 1},
    ],
)
def test_the_same_errors(alice: User, broken: dict[str, Any]) -> None:
    found = []
    for save in (LedgerEntry.save, djangos_save):
        entry = LedgerEntry(**{"wallet_id": alice.pk, "key": "k"} | broken)
        with pytest.raises((DatabaseError, OverflowError)) as refused, transaction.atomic():
            save(entry)
        cause = getattr(refused.value.__cause__, "diag", None)
        law = cause.constraint_name if cause else str(refused.value)
        found.append((refused.type, law, entry.pk, entry._state.adding))
    assert found[0] == found[1]


@pytest.mark.django_db(transaction=True)
def test_a_refusal_leaves_an_atomic_block_broken_as_ever(alice: User) -> None:
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            LedgerEntry(wallet_id=alice.pk, kind="spend", amount=-99, key="k").save()
        with pytest.raises(transaction.TransactionManagementError):
            Wallet.objects.count()


@pytest.mark.django_db(transaction=True)
def test_it_heals_after_a_lost_connection_and_after_a_rollback(alice: User) -> None:
    """psycopg drops what was prepared when a transaction is rolled back."""

    def spend(key: str) -> None:
        LedgerEntry(wallet_id=alice.pk, kind="spend", amount=-1, key=key).save()

    for key in ("a", "b", "c"):
        spend(key)
    connection.close()
    spend("d")
    with transaction.atomic():
        for number in range(3):
            Wallet.objects.filter(pk=alice.pk, version=number).exists()
        transaction.set_rollback(True)
    spend("e")
    assert Wallet.objects.get(pk=alice.pk).balance == 5


@pytest.mark.django_db
def test_an_unsaved_relation_is_refused(alice: User) -> None:
    entry = LedgerEntry(wallet=alice.wallet, kind="spend", amount=-1, key="k", actor=User())
    entry.actor_id = None
    with pytest.raises(ValueError, match="unsaved related object"):
        LedgerEntry(wallet_id=alice.pk, kind="spend", amount=-1, key="k", hold=entry).save()
