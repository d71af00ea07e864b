"""Lots by raw SQL, at once, and when somebody went around the triggers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from intellispark.accounts.models import User
from intellispark.housekeeping import run_pass
from payments.audit.verify import differences
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets
from payments.ledger.posting import expire_due_lots
from payments.ledger.triggers import install as triggers
from payments.models import LedgerEntry, Wallet
from tests.payments.ledger.test_concurrency import at_once
from tests.support.factories import make_user
from tests.support.time_travel import in_days, pass_time
from tests.support.triggers import without_triggers

pytestmark = pytest.mark.both_engines

DAY = timedelta(days=1)


@pytest.fixture
def dated(db: None) -> User:
    """Ten tokens without a date, and ten that expire tomorrow."""
    user = make_user("dated", tokens=10)
    ledger.grant(wallet_id=user.pk, tokens=10, key="lot", expires_at=in_days(1))
    return user


def lot_of(user: User) -> LedgerEntry:
    return LedgerEntry.objects.get(wallet_id=user.pk, key="lot")


def write(user: User, **fields: Any) -> LedgerEntry:
    """An entry by its bare model: what the database says, without the ledger's functions."""
    entry = LedgerEntry(wallet_id=user.pk, key=f"raw:{fields.get('kind')}", **fields)
    with transaction.atomic():
        entry.save()
    return entry


def raw(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "spend", "amount": -1},
        {"kind": "hold", "held_change": 1},
        {"kind": "clawback", "amount": -1},
        {"kind": "adjustment", "amount": -1, "reason": "r"},
    ],
)
def test_nothing_is_let_out_while_lots_are_due(dated: User, fields: dict[str, Any]) -> None:
    fields = {**fields, "actor": dated} if "reason" in fields else fields
    pass_time(2 * DAY)
    with pytest.raises(IntegrityError, match="ledger_expiry_due"):
        write(dated, **fields)
    expire_due_lots(wallet_id=dated.pk)
    write(dated, **fields)


def test_credits_need_no_settlement(dated: User) -> None:
    pass_time(2 * DAY)
    write(dated, kind="grant", amount=1)
    write(dated, kind="purchase", amount=1)


@pytest.mark.parametrize("case", ["early", "too much", "no lot", "other wallet", "no date"])
def test_an_expiry_takes_what_is_due_of_a_lot_of_that_wallet(dated: User, case: str) -> None:
    lot = lot_of(dated)
    fields: dict[str, Any] = {"kind": "expiry", "amount": -1, "lot": lot}
    if case != "early":
        pass_time(2 * DAY)
    match case:
        case "too much":
            write(dated, kind="expiry", amount=-9, lot=lot)
            fields |= {"amount": -2}
        case "no lot":
            fields |= {"lot": None}
        case "other wallet":
            dated = make_user("other", tokens=5)
        case "no date":
            fields |= {"lot": LedgerEntry.objects.get(wallet_id=dated.pk, key="welcome")}
    fields_key = {"description": "again"}
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry(wallet_id=dated.pk, key="forged", **fields, **fields_key).save()


def test_held_tokens_cannot_expire(dated: User) -> None:
    ledger.hold(wallet_id=dated.pk, tokens=15, key="h")
    pass_time(2 * DAY)
    with pytest.raises(IntegrityError, match="ledger_insufficient"):
        write(dated, kind="expiry", amount=-6, lot=lot_of(dated))


@pytest.mark.parametrize("kind", ["purchase", "refund", "adjustment", "spend"])
def test_only_grants_have_a_date(dated: User, kind: str) -> None:
    with pytest.raises(IntegrityError):
        write(
            dated,
            kind=kind,
            amount=-1 if kind == "spend" else 1,
            actor=dated,
            reason="r",
            expires_at=in_days(1),
        )


@pytest.mark.parametrize("date", ["NULL", "'2099-01-01 00:00:00'"])
def test_a_wallet_cannot_look_past_a_date_to_come(dated: User, date: str) -> None:
    with pytest.raises(IntegrityError, match="ledger_next_expiry"):
        raw(f"UPDATE payments_wallet SET next_expiry = {date}")


def test_a_wallet_opens_without_dates(dated: User) -> None:
    with pytest.raises(IntegrityError):
        raw(
            "INSERT INTO payments_wallet (user_id, balance, held, version, epoch, next_expiry,"
            " created_at, updated_at) SELECT id, 0, 0, 0, 1, date_joined, date_joined, date_joined"
            " FROM accounts_user"
        )


def test_a_date_that_was_hidden_from_the_wallet_is_found(dated: User) -> None:
    pass_time(2 * DAY)
    raw("UPDATE payments_wallet SET next_expiry = NULL")  # the lot is due: no date to come
    (found,) = differences()
    assert "tokens expire at" in found.what


def test_a_hidden_overdue_hold_is_found(dated: User) -> None:
    ledger.hold(wallet_id=dated.pk, tokens=15, key="h")
    pass_time(2 * DAY)
    expire_due_lots(wallet_id=dated.pk)
    assert list(differences()) == []
    raw("UPDATE payments_wallet SET overdue_since = NULL")
    (found,) = differences()
    assert "does not know that they are overdue" in found.what


def test_an_expiry_of_tokens_that_were_spent_is_found(dated: User) -> None:
    ledger.spend(wallet_id=dated.pk, tokens=4, key="s")
    pass_time(2 * DAY)
    write(dated, kind="expiry", amount=-9, lot=lot_of(dated))
    assert "expires 9 of a lot that had 6 left" in next(differences()).what


def test_a_wallet_that_was_tampered_with_does_not_stop_housekeeping(dated: User) -> None:
    other = make_user("other")
    ledger.grant(wallet_id=other.pk, tokens=5, key="lot", expires_at=in_days(1.5))
    ledger.spend(wallet_id=dated.pk, tokens=4, key="s")
    pass_time(2 * DAY)
    write(dated, kind="expiry", amount=-9, lot=lot_of(dated))  # six were left
    assert expire_due_wallets() == 1
    assert Wallet.objects.get(pk=other.pk).balance == 10


@pytest.mark.django_db(transaction=True)
def test_settled_from_many_sides_at_once_a_lot_expires_once(dated: User) -> None:
    pass_time(2 * DAY)
    found = at_once(
        8, lambda n: expire_due_wallets() if n % 2 else len(expire_due_lots(wallet_id=dated.pk))
    )
    assert sum(found) == 1
    assert Wallet.objects.get(pk=dated.pk).balance == 10
    assert list(differences()) == []


@pytest.mark.django_db(transaction=True)
def test_spends_at_once_on_a_due_wallet_settle_it_once_and_all_get_through(dated: User) -> None:
    pass_time(2 * DAY)
    found = at_once(
        12, lambda n: ledger.spend(wallet_id=dated.pk, tokens=1, key=f"s{n}") and "spent"
    )
    assert found.count("spent") == 10
    assert {type(one).__name__ for one in found if one != "spent"} == {"InsufficientTokens"}
    assert LedgerEntry.objects.filter(wallet_id=dated.pk, kind="expiry").count() == 1
    assert list(differences()) == []


def test_housekeeping_says_how_many_lots_expired(dated: User) -> None:
    pass_time(2 * DAY)
    assert run_pass()["lots_expired"] == 1
    assert run_pass()["lots_expired"] == 0


@pytest.mark.django_db(transaction=True)
def test_triggers_can_be_dropped_and_put_back_with_lots_there(dated: User) -> None:
    with transaction.atomic():
        triggers.drop(connection)
        triggers.install(connection)
    with pytest.raises(IntegrityError):
        raw("UPDATE payments_wallet SET balance = 99")


def test_a_statement_that_passed_while_triggers_were_put_aside_is_refused_afterwards(
    dated: User,
) -> None:
    """SQLite keeps statements as they were compiled."""
    sql = "UPDATE payments_wallet SET balance = balance + 1"
    with without_triggers():
        raw(sql)
    with pytest.raises(IntegrityError):
        raw(sql)
