"""A stale snapshot and the events that follow are a fresh snapshot, for every ledger operation.

After zulip's `verify_action`: whoever adds an operation finds it demanded here.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from intellispark.accounts.models import User
from intellispark.realtime import publish
from payments.ledger import operations as ledger
from payments.ledger.balance import snapshot
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

Change = Callable[[User], Any]


def held(user: User, tokens: int = 3) -> Any:
    return ledger.hold(wallet_id=user.pk, tokens=tokens, key="h", op="op-h")


def in_debt(user: User) -> Any:
    return ledger.clawback(wallet_id=user.pk, tokens=12, key="cb", reference="purchase:1")


OPERATIONS: dict[str, Change] = {
    "grant": lambda user: ledger.grant(wallet_id=user.pk, tokens=5, key="g", op="op-g"),
    "purchase": lambda user: ledger.purchase(
        wallet_id=user.pk, tokens=100, key="p", description="Starter", reference="purchase:1"
    ),
    "spend": lambda user: ledger.spend(wallet_id=user.pk, tokens=2, key="s", op="op-s"),
    "hold": held,
    "capture": lambda user: ledger.capture(hold=held(user), tokens=2, key="c", op="op-c"),
    "release": lambda user: ledger.release(hold=held(user), key="r", op="op-r"),
    "refund": lambda user: ledger.refund(
        entry=ledger.spend(wallet_id=user.pk, tokens=2, key="s"), key="rf"
    ),
    "adjust": lambda user: ledger.adjust(
        wallet_id=user.pk, tokens=-4, key="a", actor=make_user("admin"), reason="a test"
    ),
    "clawback": in_debt,
    "write_off": lambda user: ledger.write_off(
        wallet_id=in_debt(user).wallet_id,
        tokens=2,
        key="w",
        actor=make_user("admin"),
        reason="a test",
    ),
}


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What is published, as clients would read it."""
    heard: list[tuple[str, dict[str, Any]]] = []

    def hear(group: str, message: dict[str, Any]) -> None:
        heard.append((group, json.loads(message["text"])))

    monkeypatch.setattr(publish, "send_to_group", hear)
    return heard


def applied(state: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    """What a client makes of a frame: it is absolute, unless it is old."""
    if (frame["epoch"], frame["version"]) <= (state["epoch"], state["version"]):
        return state
    return {name: frame[name] for name in state if name != "ops"} | {
        "ops": [*frame["ops"], *state["ops"]]
    }


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.django_db(transaction=True)
def test_stale_and_events_are_fresh(operation: str, frames: list[Any]) -> None:
    user = make_user("alice")
    frames.clear()
    state: dict[str, Any] = {**snapshot(user.pk)}
    OPERATIONS[operation](user)
    mine = [frame for group, frame in frames if group == publish.user_group(user.pk)]
    assert mine, "nothing was published"
    assert [frame["version"] for frame in mine] == [
        state["version"] + number for number in range(1, len(mine) + 1)
    ]
    for frame in mine:
        state = applied(state, frame)
    assert state == snapshot(user.pk)
    # In any order, and each twice, it comes to the same.
    again: dict[str, Any] = {**state, "version": 0, "ops": []}
    for frame in [*reversed(mine), *mine]:
        again = applied(again, frame)
    assert again["version"] == state["version"]
    assert again["available"] == state["available"]


def test_no_operation_is_left_out() -> None:
    public = {
        name
        for name, each in vars(ledger).items()
        if inspect.isfunction(each) and each.__module__ == ledger.__name__ and name[0] != "_"
    }
    assert public == {*OPERATIONS}
