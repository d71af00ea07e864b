"""The frames about a person's balance. docs/realtime.md says what each means."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict
from uuid import UUID

from django.conf import settings

from intellispark.api.times import isoformat
from intellispark.realtime.events import event
from payments.ledger.balance import Balance, balance_after, snapshots
from payments.ledger.models import LedgerEntry, Wallet


class EntryInFrame(TypedDict):
    """The ledger entry that a `balance.changed` frame names."""

    id: int
    kind: str
    amount: int
    description: str
    created_at: str


@event("balance.snapshot", slot="balance")
class BalanceSnapshot(Balance):
    """The first frame of every connection. It names its person, because somebody else may have
    signed in in the browser of an open page."""

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
    """The version in the database, by which a client notices that it missed a frame."""

    type: str
    epoch: int
    version: int


def changed_frame(entry: LedgerEntry) -> BalanceChanged:
    """The `balance.changed` frame of that entry, complete: nothing is read after the commit."""
    return {
        "type": "balance.changed",
        **balance_after(entry),
        "entry": {
            "id": entry.pk,
            "kind": str(entry.kind),
            "amount": entry.amount,
            "description": entry.description,
            "created_at": isoformat(entry.created_at),
        },
    }


def first_frames(user_ids: Collection[UUID]) -> dict[UUID, BalanceSnapshot]:
    """The `balance.snapshot` frame of each of these people: two queries."""
    beacon_secs = settings.BEACON_SECS
    return {
        pk: {
            "type": "balance.snapshot",
            "user_id": str(pk),
            **balance,
            "beacon_secs": beacon_secs,
        }
        for pk, balance in snapshots(user_ids).items()
    }


def beacons(user_ids: Collection[UUID]) -> dict[UUID, BalanceBeacon]:
    """The `balance.beacon` frame of each of these people: one query."""
    found = Wallet.objects.filter(pk__in=user_ids).values_list("pk", "epoch", "version")
    return {
        pk: {"type": "balance.beacon", "epoch": epoch, "version": version}
        for pk, epoch, version in found
    }
