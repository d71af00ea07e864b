"""What the ledger's functions write, refuse and replay."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from intellispark.accounts.models import User
from payments.errors import EntryConflict, HoldResolved, InsufficientTokens, InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.balance import balance_after, balance_of, snapshot
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("assert_ledger"),
]


def wallet_of(user: User) -> Wallet:
    return Wallet.objects.get(pk=user.pk)


def test_welcome_tokens_come_once_with_the_account(alice: User) -> None:
    entry = LedgerEntry.objects.get(wallet_id=alice.pk)
    assert (entry.kind, entry.amount, entry.key, entry.version) == ("grant", 10, "welcome", 1)
    Wallet.objects.for_user(alice.pk)
    alice.save()
    assert wallet_of(alice).balance == 10


def test_a_spend_is_one_statement_and_comes_back_complete(alice: User) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        entry = ledger.spend(wallet_id=alice.pk, tokens=3, key="one", description="x")
    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) == 1
    stored = LedgerEntry.objects.get(pk=entry.pk)
    for name in ("version", "epoch", "balance_after", "held_after", "created_at", "amount"):
        assert getattr(entry, name) == getattr(stored, name)
    assert (entry.version, entry.balance_after, entry.held_after) == (2, 7, 0)


def test_hold_capture_release(alice: User) -> None:
    first = ledger.hold(wallet_id=alice.pk, tokens=4, key="h1")
    second = ledger.hold(wallet_id=alice.pk, tokens=6, key="h2")
    assert wallet_of(alice).available == 0
    assert wallet_of(alice).balance == 10
    captured = ledger.capture(hold=first, tokens=1, key="c1")
    assert (captured.amount, captured.held_change) == (-1, -4)
    released = ledger.release(hold=second, key="r2")
    assert (released.balance_after, released.held_after) == (9, 0)


@pytest.mark.parametrize("settle", ["capture", "release"])
def test_a_hold_is_settled_at_most_once(alice: User, settle: str) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=4, key="h")
    first = getattr(ledger, settle)(hold=hold, key="s")
    assert getattr(ledger, settle)(hold=hold, key="s") == first
    for other in (ledger.capture, ledger.release):
        with pytest.raises(HoldResolved):
            other(hold=hold, key="other")


def test_a_capture_takes_no_more_than_was_held(alice: User) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=2, key="h")
    with pytest.raises(InvariantViolated):
        ledger.capture(hold=hold, tokens=3, key="c")
    assert wallet_of(alice).held == 2


@pytest.mark.parametrize("take", [ledger.spend, ledger.hold])
def test_it_refuses_when_holds_cover_the_balance(alice: User, take: Any) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=8, key="h")
    with pytest.raises(InsufficientTokens) as refused:
        take(wallet_id=alice.pk, tokens=3, key="s")
    assert refused.value.data == {"needed": 3, "available": 2}
    assert refused.value.status == 402
    take(wallet_id=alice.pk, tokens=2, key="s")


def test_a_negative_adjustment_cannot_overdraw(alice: User, bob: User) -> None:
    with pytest.raises(InsufficientTokens):
        ledger.adjust(wallet_id=alice.pk, tokens=-11, key="a", actor=bob, reason="r")
    entry = ledger.adjust(wallet_id=alice.pk, tokens=-10, key="a", actor=bob, reason="r")
    assert (entry.balance_after, entry.actor, entry.reason) == (0, bob, "r")


@pytest.mark.parametrize(("tokens", "reason"), [(0, "r"), (5, "")])
def test_an_adjustment_needs_an_amount_and_a_reason(
    alice: User, bob: User, tokens: int, reason: str
) -> None:
    with pytest.raises(InvariantViolated):
        ledger.adjust(wallet_id=alice.pk, tokens=tokens, key="a", actor=bob, reason=reason)


@pytest.mark.parametrize("tokens", [0, -5])
@pytest.mark.parametrize("write", [ledger.grant, ledger.spend, ledger.hold])
def test_amounts_are_positive(alice: User, write: Any, tokens: int) -> None:
    with pytest.raises(InvariantViolated):
        write(wallet_id=alice.pk, tokens=tokens, key="k")
    assert wallet_of(alice).version == 1


@pytest.mark.parametrize("tokens", [0, -1])
def test_a_capture_takes_something(alice: User, tokens: int) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=2, key="h")
    with pytest.raises(InvariantViolated):
        ledger.capture(hold=hold, tokens=tokens, key="c")
    assert (wallet_of(alice).balance, wallet_of(alice).held) == (10, 2)


def test_a_replay_returns_the_first_entry_even_when_the_money_is_gone(alice: User) -> None:
    first = ledger.spend(wallet_id=alice.pk, tokens=10, key="all")
    assert ledger.spend(wallet_id=alice.pk, tokens=10, key="all") == first
    with pytest.raises(EntryConflict):
        ledger.spend(wallet_id=alice.pk, tokens=9, key="all")
    with pytest.raises(EntryConflict):
        ledger.grant(wallet_id=alice.pk, tokens=10, key="all")


def test_a_key_belongs_to_one_wallet(alice: User, bob: User) -> None:
    ledger.spend(wallet_id=alice.pk, tokens=1, key="same")
    ledger.spend(wallet_id=bob.pk, tokens=2, key="same")
    assert (wallet_of(alice).balance, wallet_of(bob).balance) == (9, 8)


def test_a_refund_gives_back_once(alice: User) -> None:
    spent = ledger.spend(wallet_id=alice.pk, tokens=4, key="s")
    back = ledger.refund(entry=spent, key="b")
    assert (back.amount, back.reverses, back.balance_after) == (4, spent, 10)
    with pytest.raises(InvariantViolated):
        ledger.refund(entry=spent, key="again")
    grant = LedgerEntry.objects.get(wallet_id=alice.pk, key="welcome")
    with pytest.raises(InvariantViolated):
        ledger.refund(entry=grant, key="grant")


def test_a_hold_of_somebody_else_cannot_be_settled(alice: User, bob: User) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=1, key="h")
    hold.wallet_id = bob.pk
    with pytest.raises(InvariantViolated):
        ledger.capture(hold=hold, key="c")
    with pytest.raises(InvariantViolated):
        ledger.release(hold=hold, key="r")
    assert wallet_of(bob).version == 1


def test_a_refusal_leaves_the_callers_transaction_usable(alice: User) -> None:
    with transaction.atomic():
        with pytest.raises(InsufficientTokens):
            ledger.spend(wallet_id=alice.pk, tokens=99, key="s")
        ledger.spend(wallet_id=alice.pk, tokens=1, key="s")
    assert wallet_of(alice).balance == 9


def test_the_shape_that_clients_see(alice: User) -> None:
    entry = ledger.hold(wallet_id=alice.pk, tokens=3, key="h", op="client-key")
    expected = {
        "epoch": 1,
        "version": 2,
        "balance": 10,
        "held": 3,
        "available": 7,
        "debt": 0,
        "ops": ["client-key"],
    }
    assert balance_after(entry) == expected
    assert snapshot(alice.pk) == expected
    assert balance_of(wallet_of(alice)) == {**expected, "ops": []}


def test_a_clawback_of_spent_tokens_becomes_debt_which_a_credit_pays(alice: User) -> None:
    ledger.spend(wallet_id=alice.pk, tokens=8, key="s")
    ledger.clawback(wallet_id=alice.pk, tokens=10, key="claw", reference="r")
    wallet = wallet_of(alice)
    assert (wallet.balance, wallet.available, wallet.debt) == (-8, 0, 8)
    with pytest.raises(InsufficientTokens):
        ledger.hold(wallet_id=alice.pk, tokens=1, key="h")
    ledger.grant(wallet_id=alice.pk, tokens=9, key="g")
    assert (wallet_of(alice).available, wallet_of(alice).debt) == (1, 0)


def test_history_shows_what_moved_and_holds_that_are_open() -> None:
    user = make_user(tokens=20)
    settled = ledger.hold(wallet_id=user.pk, tokens=1, key="h1")
    ledger.release(hold=settled, key="r1")
    still_open = ledger.hold(wallet_id=user.pk, tokens=1, key="h2")
    kinds = [e.kind for e in LedgerEntry.objects.filter(wallet_id=user.pk).for_history()]
    assert kinds == ["hold", "grant", "grant"]
    ledger.capture(hold=still_open, key="c2")
    kinds = [e.kind for e in LedgerEntry.objects.filter(wallet_id=user.pk).for_history()]
    assert kinds == ["capture", "grant", "grant"]
