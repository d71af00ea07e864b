"""Many at once on real connections: every token is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from intellispark.accounts.models import User
from payments.errors import EntryConflict, HoldResolved, InsufficientTokens, InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.threads import at_once
from tests.support.time_travel import in_days, pass_time

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("assert_ledger"),
]


def test_half_the_funds_serve_exactly_half_the_spends() -> None:
    user = make_user(tokens=20)
    found = at_once(
        8,
        lambda n: [
            _kind_of(lambda key=f"{n}:{i}": ledger.spend(wallet_id=user.pk, tokens=1, key=key))
            for i in range(5)
        ],
    )
    assert Counter(kind for part in found for kind in part) == {
        "LedgerEntry": 20,
        "InsufficientTokens": 20,
    }
    versions = LedgerEntry.objects.filter(wallet_id=user.pk).values_list("version", flat=True)
    assert sorted(versions) == list(range(1, len(versions) + 1))
    assert Wallet.objects.get(pk=user.pk).balance == 0


def _kind_of(call: Callable[[], Any]) -> str:
    try:
        return type(call()).__name__
    except InsufficientTokens as error:
        return type(error).__name__


def test_the_same_key_at_once_is_one_entry() -> None:
    user = make_user(tokens=10)
    found = at_once(20, lambda _: ledger.spend(wallet_id=user.pk, tokens=4, key="same"))
    assert len({(entry.pk, entry.version, entry.balance_after) for entry in found}) == 1
    assert Wallet.objects.get(pk=user.pk).balance == 6


def test_credit_and_debit_at_once_lose_nothing() -> None:
    """10 - 1 + 100 is 109, in whatever order."""
    user = make_user(tokens=10)
    at_once(
        10,
        lambda n: (
            ledger.grant(wallet_id=user.pk, tokens=100, key=f"g{n}")
            if n % 2
            else ledger.spend(wallet_id=user.pk, tokens=1, key=f"s{n}")
        ),
    )
    assert Wallet.objects.get(pk=user.pk).balance == 10 + 500 - 5


def test_capture_and_release_race_for_a_hold_and_one_wins() -> None:
    user = make_user(tokens=10)
    hold = ledger.hold(wallet_id=user.pk, tokens=5, key="h")
    found = at_once(
        8,
        lambda n: (ledger.capture if n % 2 else ledger.release)(hold=hold, key=f"k{n}"),
    )
    assert Counter(type(one) for one in found) == {LedgerEntry: 1, HoldResolved: 7}
    assert Wallet.objects.get(pk=user.pk).held == 0


def test_the_same_key_at_once_with_other_content_is_one_entry_and_conflicts() -> None:
    user = make_user(tokens=100)
    found = at_once(10, lambda n: ledger.spend(wallet_id=user.pk, tokens=n + 1, key="same"))
    assert Counter(type(one) for one in found) == {LedgerEntry: 1, EntryConflict: 9}
    (entry,) = (one for one in found if isinstance(one, LedgerEntry))
    assert Wallet.objects.get(pk=user.pk).balance == 100 + entry.amount


def test_a_refund_at_once_gives_back_once() -> None:
    user = make_user(tokens=10)
    spent = ledger.spend(wallet_id=user.pk, tokens=5, key="s")
    found = at_once(8, lambda n: ledger.refund(entry=spent, key=f"r{n}"))
    assert Counter(type(one) for one in found) == {LedgerEntry: 1, InvariantViolated: 7}
    assert Wallet.objects.get(pk=user.pk).balance == 10


def test_admins_who_adjust_each_other_do_not_wait_for_each_other() -> None:
    """Each entry locks one wallet and refers to the other's owner, in opposite orders."""
    pair = [make_user(tokens=10), make_user(tokens=10)]

    def adjust(number: int) -> int:
        mine, other = pair[number % 2], pair[1 - number % 2]
        for count in range(5):
            with transaction.atomic():
                for step in range(2):
                    ledger.adjust(
                        wallet_id=mine.pk,
                        tokens=1,
                        key=f"{number}:{count}:{step}",
                        actor=other,
                        reason="why",
                    )
        return 10

    assert at_once(4, adjust) == [10] * 4
    assert [Wallet.objects.get(pk=user.pk).balance for user in pair] == [30, 30]


def test_debits_holds_and_expiry_of_one_wallet_do_not_deadlock() -> None:
    """Settlement locks the wallet first, an entry by its trigger: both the same row, first."""
    user = make_user(tokens=10)
    for number in range(5):
        expires_at = in_days(1)
        ledger.grant(wallet_id=user.pk, tokens=5, key=f"g{number}", expires_at=expires_at)
    pass_time(timedelta(days=2))

    def work(number: int) -> object:
        if number % 3 == 0:
            return expire_due_wallets()
        with transaction.atomic():
            held = ledger.hold(wallet_id=user.pk, tokens=1, key=f"h{number}")
            return ledger.capture(hold=held, key=f"c{number}")

    found = at_once(9, work)
    assert [one for one in found if isinstance(one, Exception)] == []
    assert LedgerEntry.objects.filter(kind="expiry").count() == 5
    assert Wallet.objects.get(pk=user.pk).balance == 10 - 6


def test_two_first_requests_make_one_wallet_with_one_welcome() -> None:
    (user,) = User.objects.bulk_create([User(username="late", email="late@example.com")])
    found = at_once(8, lambda _: Wallet.objects.for_user(user.pk))
    assert {wallet.pk for wallet in found} == {user.pk}
    assert Wallet.objects.get(pk=user.pk).balance == 10
    assert LedgerEntry.objects.filter(wallet_id=user.pk).count() == 1


@pytest.mark.postgresql
def test_the_time_of_an_entry_follows_its_version() -> None:
    """A transaction that began early and wrote late must not date its entry before others."""
    user = make_user(tokens=10)
    with transaction.atomic():
        Wallet.objects.filter(pk=uuid4()).exists()  # opens the transaction
        at_once(1, lambda _: ledger.spend(wallet_id=user.pk, tokens=1, key="other"))
        ledger.spend(wallet_id=user.pk, tokens=1, key="mine")
    entries = LedgerEntry.objects.filter(wallet_id=user.pk).order_by("version")
    times = [entry.created_at for entry in entries]
    assert times == sorted(times)
