"""Expiring lots: what is taken first, what expires, when, and once (invariant 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intellispark.accounts.models import User
from payments.errors import EntryConflict, InsufficientTokens, InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets, expiring
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.time_travel import in_days, pass_time

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("assert_ledger"),
]

DAY = timedelta(days=1)


@pytest.fixture
def user(settings: Any) -> User:
    """Somebody with an empty wallet."""
    settings.WELCOME_TOKENS = 0
    return make_user("mira")


def wallet_of(user: User) -> Wallet:
    return Wallet.objects.get(pk=user.pk)


def grant(user: User, tokens: int, days: float | None, key: str) -> LedgerEntry:
    expires_at = in_days(days) if days is not None else None
    return ledger.grant(wallet_id=user.pk, tokens=tokens, key=key, expires_at=expires_at)


def buy(user: User, tokens: int, key: str = "paid") -> LedgerEntry:
    return ledger.purchase(
        wallet_id=user.pk, tokens=tokens, key=key, description="Pack", reference="p"
    )


def expired(user: User) -> dict[str, int]:
    """Tokens that expired so far, by the key of their lot."""
    found: dict[str, int] = {}
    for entry in LedgerEntry.objects.filter(wallet_id=user.pk, kind="expiry"):
        assert entry.lot
        found[entry.lot.key] = found.get(entry.lot.key, 0) - entry.amount
    return found


def left(user: User) -> list[int]:
    return [found.tokens for found in expiring(wallet_of(user))]


def test_what_is_left_of_a_lot_expires_once(user: User) -> None:
    lot = grant(user, 10, 1, "a")
    buy(user, 5)
    ledger.spend(wallet_id=user.pk, tokens=4, key="s")
    assert left(user) == [6]
    pass_time(2 * DAY)
    assert expire_due_wallets() == 1
    assert expire_due_wallets() == 0
    entry = LedgerEntry.objects.get(wallet_id=user.pk, kind="expiry")
    assert (entry.amount, entry.lot, entry.key) == (-6, lot, f"exp:{lot.pk}")
    assert (wallet_of(user).balance, wallet_of(user).next_expiry) == (5, None)


def test_the_soonest_date_goes_first_then_the_oldest(user: User) -> None:
    buy(user, 10)
    grant(user, 5, 30, "late")
    grant(user, 5, 10, "soon")
    grant(user, 5, None, "free")
    ledger.spend(wallet_id=user.pk, tokens=7, key="s")
    assert left(user) == [3]
    pass_time(31 * DAY)
    expire_due_wallets()
    assert expired(user) == {"late": 3}
    assert wallet_of(user).balance == 15


def test_paid_tokens_never_expire_and_grants_expire_once(user: User) -> None:
    """800 -> 499 -> 198 -> 0 in an earlier system: the grant was taken again on every spend."""
    buy(user, 500)
    grant(user, 300, 1, "g")
    pass_time(2 * DAY)
    for number in range(3):
        ledger.spend(wallet_id=user.pk, tokens=1, key=f"s{number}")
    assert wallet_of(user).balance == 497


def test_a_spend_settles_first_and_only_then(user: User) -> None:
    grant(user, 10, 1, "a")
    pass_time(2 * DAY)
    with pytest.raises(InsufficientTokens) as refused:
        ledger.spend(wallet_id=user.pk, tokens=1, key="s")
    assert refused.value.data == {"needed": 1, "available": 0}
    assert expired(user) == {"a": 10}


def test_a_debit_is_one_statement_while_nothing_is_due(user: User) -> None:
    grant(user, 10, 1, "a")
    with CaptureQueriesContext(connection) as queries:
        ledger.spend(wallet_id=user.pk, tokens=3, key="s")
    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 1


def test_lots_of_the_same_moment_go_oldest_first(user: User) -> None:
    date = in_days(1)
    for key in ("a", "b"):
        ledger.grant(wallet_id=user.pk, tokens=5, key=key, expires_at=date)
    ledger.spend(wallet_id=user.pk, tokens=6, key="s")
    assert left(user) == [4]
    pass_time(2 * DAY)
    expire_due_wallets()
    assert expired(user) == {"b": 4}


def test_held_tokens_expire_only_when_their_hold_gives_them_back(user: User) -> None:
    grant(user, 10, 1, "a")
    buy(user, 10)
    first = ledger.hold(wallet_id=user.pk, tokens=4, key="h1")
    second = ledger.hold(wallet_id=user.pk, tokens=3, key="h2")
    pass_time(2 * DAY)
    expire_due_wallets()
    assert expired(user) == {"a": 3}
    assert wallet_of(user).overdue_since is not None
    assert expire_due_wallets() == 0
    ledger.capture(hold=first, tokens=1, key="c")
    ledger.release(hold=second, key="r")
    expire_due_wallets()
    assert expired(user) == {"a": 9}
    expiries = LedgerEntry.objects.filter(kind="expiry").order_by("version")
    assert [entry.key.count(":") for entry in expiries] == [1, 2]
    wallet = wallet_of(user)
    assert (wallet.balance, wallet.next_expiry, wallet.overdue_since) == (10, None, None)


def test_a_spend_after_a_hold_gave_back_what_is_overdue_settles_it(user: User) -> None:
    grant(user, 10, 1, "a")
    hold = ledger.hold(wallet_id=user.pk, tokens=10, key="h")
    pass_time(2 * DAY)
    expire_due_wallets()
    assert expired(user) == {}
    ledger.release(hold=hold, key="r")
    with pytest.raises(InsufficientTokens):
        ledger.hold(wallet_id=user.pk, tokens=1, key="h2")
    assert expired(user) == {"a": 10}


def test_a_capture_smaller_than_its_hold_gives_the_last_tokens_back(user: User) -> None:
    grant(user, 5, 1, "soon")
    grant(user, 5, 9, "late")
    hold = ledger.hold(wallet_id=user.pk, tokens=8, key="h")
    ledger.capture(hold=hold, tokens=6, key="c")
    assert left(user) == [4]


def test_a_refund_comes_back_without_a_date(user: User) -> None:
    grant(user, 5, 1, "a")
    spent = ledger.spend(wallet_id=user.pk, tokens=5, key="s")
    pass_time(2 * DAY)
    ledger.refund(entry=spent, key="r")
    expire_due_wallets()
    assert (expired(user), wallet_of(user).balance) == ({}, 5)


def test_a_credit_pays_a_debt_first_and_only_the_rest_can_expire(user: User) -> None:
    buy(user, 5)
    ledger.spend(wallet_id=user.pk, tokens=5, key="s")
    ledger.clawback(wallet_id=user.pk, tokens=5, key="claw", reference="p")
    grant(user, 8, 1, "a")
    assert left(user) == [3]
    pass_time(2 * DAY)
    expire_due_wallets()
    assert (expired(user), wallet_of(user).balance) == ({"a": 3}, 0)


def test_a_clawback_takes_paid_tokens_first_after_what_is_due_is_gone(user: User) -> None:
    buy(user, 5)
    grant(user, 5, 1, "gone")
    grant(user, 5, 9, "kept")
    pass_time(2 * DAY)
    ledger.clawback(wallet_id=user.pk, tokens=5, key="claw", reference="p")
    assert expired(user) == {"gone": 5}
    assert left(user) == [5]


def test_a_released_hold_pays_a_debt_before_its_lot_expires(user: User) -> None:
    grant(user, 10, 1, "a")
    hold = ledger.hold(wallet_id=user.pk, tokens=8, key="h")
    ledger.clawback(wallet_id=user.pk, tokens=5, key="claw", reference="p")
    assert wallet_of(user).debt == 3
    pass_time(2 * DAY)
    ledger.release(hold=hold, key="r")
    expire_due_wallets()
    assert (expired(user), wallet_of(user).balance, wallet_of(user).debt) == ({"a": 5}, 0, 0)


def test_a_clock_that_moved_back_takes_nothing_twice(user: User) -> None:
    grant(user, 10, 1, "a")
    grant(user, 10, 5, "b")
    pass_time(2 * DAY)
    expire_due_wallets()
    pass_time(-2 * DAY)
    ledger.spend(wallet_id=user.pk, tokens=1, key="s")
    pass_time(6 * DAY)
    expire_due_wallets()
    assert (expired(user), wallet_of(user).balance) == ({"a": 10, "b": 9}, 0)


def test_a_grant_cannot_be_dated_into_the_past(user: User) -> None:
    with pytest.raises(InvariantViolated):
        grant(user, 1, -1, "past")


def test_the_date_is_part_of_what_a_replay_is_compared_by(user: User) -> None:
    date = in_days(1)
    arguments: dict[str, Any] = {"wallet_id": user.pk, "tokens": 1, "key": "g"}
    first = ledger.grant(**arguments, expires_at=date)
    assert ledger.grant(**arguments, expires_at=date) == first
    with pytest.raises(EntryConflict):
        ledger.grant(**arguments, expires_at=date + DAY)


def test_nobody_pays_for_dates_that_nobody_has(user: User, django_assert_num_queries: Any) -> None:
    wallet = wallet_of(user)
    with django_assert_num_queries(0):
        assert expiring(wallet) == []


def test_housekeeping_settles_every_wallet(user: User) -> None:
    others: list[UUID] = []
    for number in range(3):
        other = make_user(f"other{number}")
        grant(other, 5, 1, "g")
        others.append(other.pk)
    pass_time(2 * DAY)
    assert expire_due_wallets(limit=2) == 2
    assert expire_due_wallets(limit=2) == 1
    assert {Wallet.objects.get(pk=pk).balance for pk in others} == {0}


def test_a_second_look_at_the_dates_reads_only_what_is_new(
    user: User, django_assert_num_queries: Any
) -> None:
    grant(user, 10, 5, "a")
    assert left(user) == [10]
    hold = ledger.hold(wallet_id=user.pk, tokens=4, key="h")
    assert left(user) == [6]
    ledger.capture(hold=hold, tokens=1, key="c")
    wallet = wallet_of(user)
    with django_assert_num_queries(2):  # the clock, and the one entry since
        assert [found.tokens for found in expiring(wallet)] == [9]
