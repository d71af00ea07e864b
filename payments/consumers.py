"""`/ws/balance/`: the socket behind every balance on every page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.conf import settings

from intellispark.realtime.batch import Batch
from intellispark.realtime.sockets import UserSocket
from payments.balance import snapshots
from payments.models import Wallet


def first_frames(user_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
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


def beacons(user_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The `balance.beacon` frame of each of these people: one query."""
    found = Wallet.objects.filter(pk__in=user_ids).values_list("pk", "epoch", "version")
    return {
        pk: {"type": "balance.beacon", "epoch": epoch, "version": version}
        for pk, epoch, version in found
    }


class BalanceSocket(UserSocket):
    """Starts with `balance.snapshot`; entries, other news and beacons follow. See
    docs/realtime.md."""

    first_frame = Batch(first_frames)
