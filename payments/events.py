"""What the sockets tell about a person's balance. Their meaning: docs/realtime.md."""

from __future__ import annotations

from typing import TypedDict

from intellispark.realtime.frames import event
from payments.balance import Balance


class EntryInFrame(TypedDict):
    """The ledger entry that a frame tells of."""

    id: int
    kind: str
    amount: int
    description: str
    created_at: str


@event("balance.snapshot", slot="balance")
class BalanceSnapshot(Balance):
    """The first frame of every connection. It names its person: the browser that holds the page
    may have changed hands since."""

    type: str
    user_id: str
    beacon_secs: float


@event("balance.changed", slot="balance")
class BalanceChanged(Balance):
    """After each ledger entry."""

    type: str
    entry: EntryInFrame


@event("balance.beacon")
class BalanceBeacon(TypedDict):
    """Which version the database has, for a client that missed a frame."""

    type: str
    epoch: int
    version: int
