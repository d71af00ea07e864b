"""However late lots are settled, the same tokens are consumed and the same expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.audit.verify import differences
from payments.errors import InsufficientTokens
from payments.ledger import operations as ledger
from payments.ledger.posting import expire_due_lots
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.time_travel import in_days, pass_time

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]

DAY = timedelta(days=1)
amounts = st.integers(1, 12)
steps = st.one_of(
    st.tuples(st.just("grant"), amounts, st.integers(1, 6)),
    st.tuples(st.just("purchase"), amounts),
    st.tuples(st.just("spend"), amounts),
    st.tuples(st.just("hold"), amounts),
    st.tuples(st.just("capture"), st.integers(0, 5), amounts),
    st.tuples(st.just("release"), st.integers(0, 5)),
    st.tuples(st.just("clawback"), amounts),
    st.tuples(st.just("wait"), st.integers(1, 4)),
)


@dataclass
class Person:
    """A wallet that is driven, and how often somebody settles it."""

    wallet_id: UUID
    eagerly: bool

    def __post_init__(self) -> None:
        self.holds: list[LedgerEntry] = []

    def do(self, number: int, step: tuple[Any, ...]) -> None:
        kind, *args = step
        key = f"{kind}{number}"
        fresh: dict[str, Any] = {"wallet_id": self.wallet_id, "key": key}
        try:
            if kind == "grant":
                ledger.grant(**fresh, tokens=args[0], expires_at=in_days(args[1] + 0.5))
            elif kind == "purchase":
                ledger.purchase(**fresh, tokens=args[0], description="Pack", reference="p")
            elif kind == "clawback":
                ledger.clawback(**fresh, tokens=args[0], reference="p")
            elif kind == "spend":
                ledger.spend(**fresh, tokens=args[0])
            elif kind == "hold":
                self.holds.append(ledger.hold(**fresh, tokens=args[0]))
            elif kind in ("capture", "release") and self.holds:
                hold = self.holds.pop(args[0] % len(self.holds))
                if kind == "release":
                    ledger.release(hold=hold, key=key)
                else:
                    ledger.capture(hold=hold, key=key, tokens=min(args[1], hold.held_change))
        except InsufficientTokens:
            pass
        if self.eagerly:
            expire_due_lots(wallet_id=self.wallet_id)

    def story(self) -> dict[str, Any]:
        """What came in, went out and expired, by key; and what is there."""
        entries = LedgerEntry.objects.filter(wallet_id=self.wallet_id).select_related("lot")
        found: dict[str, Any] = {"left": Wallet.objects.get(pk=self.wallet_id).balance}
        for entry in entries:
            key = f"expired of {entry.lot.key}" if entry.lot else entry.key
            found[key] = found.get(key, 0) + entry.amount
        return found


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(steps, min_size=3, max_size=18))
def test_what_is_consumed_does_not_depend_on_when_lots_are_settled(
    db: None, script: list[tuple[Any, ...]]
) -> None:
    people = [
        Person(make_user(f"{name}{uuid4().hex[:8]}").pk, eagerly=name == "early")
        for name in ("early", "late")
    ]
    for number, step in enumerate([*script, ("wait", 9)]):
        if step[0] == "wait":
            pass_time(step[1] * DAY)
        for person in people:
            person.do(number, step)
    for person in people:
        expire_due_lots(wallet_id=person.wallet_id)
    early, late = (person.story() for person in people)
    assert early == late
    assert [str(found) for found in differences()] == []
