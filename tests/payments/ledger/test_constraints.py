"""What the database refuses of an entry by itself: each CHECK, by its name."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from intellispark.accounts.models import User
from payments.errors import InsufficientTokens, InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.new_entry import NewEntry
from payments.ledger.posting import post
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.time_travel import in_days

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("assert_ledger"),
]

Kind = LedgerEntry.Kind

# amount, held_change: the signs that each kind may have (docs/ledger.md).
SIGNS = {
    Kind.GRANT: {(1, 0)},
    Kind.PURCHASE: {(1, 0)},
    Kind.HOLD: {(0, 1)},
    Kind.CAPTURE: {(-1, -1)},
    Kind.RELEASE: {(0, -1)},
    Kind.SPEND: {(-1, 0)},
    Kind.REFUND: {(1, 0)},
    Kind.ADJUSTMENT: {(1, 0), (-1, 0)},
    Kind.EXPIRY: {(-1, 0)},
    Kind.CLAWBACK: {(-1, 0)},
    Kind.WRITE_OFF: {(1, 0)},
}


def refusal_of(user: User, kind: Kind, **fields: Any) -> str:
    """The name of what refused that entry, empty where it was written. Nothing of it stays."""
    try:
        with transaction.atomic():
            post(NewEntry(kind=kind, wallet_id=user.pk, key="tried", **fields))
            transaction.set_rollback(True)
    except InvariantViolated as error:
        return error.data["invariant"]
    except InsufficientTokens:
        return "ledger_insufficient"
    return ""


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_signs(alice: User, bob: User, kind: Kind) -> None:
    """Whatever else is wrong with it, an entry with other signs is never written."""
    ledger.hold(wallet_id=alice.pk, tokens=2, key="h")
    for amount, held_change in product((-1, 0, 1), repeat=2):
        fields = {"amount": amount, "held_change": held_change, "actor_id": bob.pk, "reason": "r"}
        refusal = refusal_of(alice, kind, **fields)
        if (amount, held_change) not in SIGNS[kind]:
            assert refusal, (kind, amount, held_change)
        else:
            assert refusal not in ("ledger_shape", "ledger_counts")


def test_an_unknown_kind_is_refused(alice: User) -> None:
    entry = LedgerEntry(wallet_id=alice.pk, kind="gift", amount=1, key="k")
    with pytest.raises(IntegrityError, match="ledger_shape"), transaction.atomic():
        entry.save()


@pytest.mark.parametrize(
    ("kind", "signs"),
    [
        (Kind.GRANT, {"amount": 0}),
        (Kind.SPEND, {"amount": 1}),
        (Kind.PURCHASE, {"amount": 1, "held_change": 1}),
    ],
)
def test_the_shape_is_refused_by_name(alice: User, kind: Kind, signs: dict[str, int]) -> None:
    assert refusal_of(alice, kind, **signs) == "ledger_shape"


def test_a_capture_frees_at_least_what_it_takes(alice: User) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=2, key="h")
    capture = {"hold_id": hold.pk, "held_change": -2}
    assert refusal_of(alice, Kind.CAPTURE, amount=-3, **capture) == "ledger_shape"
    assert refusal_of(alice, Kind.CAPTURE, amount=-2, **capture) == ""
    assert refusal_of(alice, Kind.CAPTURE, amount=-1, **capture) == ""


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.RELEASE, Kind.REFUND, Kind.EXPIRY])
def test_what_must_refer_to_an_entry_does(alice: User, kind: Kind) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=1, key="h")
    amount, held_change = next(iter(SIGNS[kind]))
    fields: dict[str, Any] = {"amount": amount, "held_change": held_change}
    assert refusal_of(alice, kind, **fields) in ("ledger_links", "ledger_lot")
    assert hold.held_after == 1


@pytest.mark.parametrize("name", ["hold_id", "reverses_id", "lot_id"])
def test_a_grant_refers_to_nothing(alice: User, name: str) -> None:
    held = ledger.hold(wallet_id=alice.pk, tokens=1, key="h")
    spent = ledger.spend(wallet_id=alice.pk, tokens=1, key="s")
    entry = spent if name == "reverses_id" else held
    assert refusal_of(alice, Kind.GRANT, amount=1, **{name: entry.pk}) in (
        "ledger_links",
        "ledger_hold",
    )


def test_only_grants_have_a_date_and_it_lies_ahead(alice: User) -> None:
    assert refusal_of(alice, Kind.GRANT, amount=1, expires_at=in_days(1)) == ""
    assert refusal_of(alice, Kind.GRANT, amount=1, expires_at=in_days(-1)) == "ledger_dates"
    assert refusal_of(alice, Kind.PURCHASE, amount=1, expires_at=in_days(1)) == "ledger_dates"


def test_admins_say_who_and_why(alice: User, bob: User) -> None:
    ledger.spend(wallet_id=alice.pk, tokens=10, key="s")
    ledger.clawback(wallet_id=alice.pk, tokens=5, key="c", reference="r")
    for kind in (Kind.ADJUSTMENT, Kind.WRITE_OFF):
        assert refusal_of(alice, kind, amount=1, reason="r") == "ledger_accountable"
        assert refusal_of(alice, kind, amount=1, actor_id=bob.pk) == "ledger_accountable"
        assert refusal_of(alice, kind, amount=1, actor_id=bob.pk, reason="r") == ""


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.HOLD, {"held_change": 9}),
        (Kind.SPEND, {"amount": -9}),
        (Kind.ADJUSTMENT, {"amount": -9, "reason": "r"}),
    ],
)
def test_what_is_held_is_not_there_to_take(alice: User, kind: Kind, fields: dict[str, Any]) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=2, key="h")
    fields = {**fields, "actor_id": alice.pk}
    assert refusal_of(alice, kind, **fields) == "ledger_insufficient"
    less = {name: value - value // abs(value) for name, value in fields.items() if value in (9, -9)}
    assert refusal_of(alice, kind, **{**fields, **less}) == ""


def test_a_clawback_alone_may_leave_a_debt_and_a_write_off_forgives_no_more(bob: User) -> None:
    user = make_user(tokens=3)
    assert refusal_of(user, Kind.CLAWBACK, amount=-5) == ""
    ledger.clawback(wallet_id=user.pk, tokens=5, key="c", reference="r")
    forgiven = {"actor_id": bob.pk, "reason": "r"}
    assert refusal_of(user, Kind.WRITE_OFF, amount=3, **forgiven) == "ledger_write_off"
    assert refusal_of(user, Kind.WRITE_OFF, amount=2, **forgiven) == ""


def test_a_refused_entry_moves_no_wallet(alice: User) -> None:
    before = Wallet.objects.filter(pk=alice.pk).values().get()
    for fields in ({"amount": 1}, {"amount": -99}):
        assert refusal_of(alice, Kind.SPEND, **fields)
    assert Wallet.objects.filter(pk=alice.pk).values().get() == before
