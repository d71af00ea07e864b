"""A wallet as clients see it: the same shape on the socket, in HTTP answers and in SSE events."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict
from uuid import UUID

from django.db.models import F

from payments.ledger.models import LedgerEntry, Wallet

RECENT_OPS = 20


class Balance(TypedDict):
    """Whole tokens. `available` is what every component shows."""

    epoch: int
    version: int
    balance: int
    held: int
    available: int
    debt: int
    ops: list[str]


def _balance(*, epoch: int, version: int, balance: int, held: int, ops: list[str]) -> Balance:
    return {
        "epoch": epoch,
        "version": version,
        "balance": balance,
        "held": held,
        "available": max(0, balance - held),
        "debt": max(0, held - balance),
        "ops": ops,
    }


def balance_after(entry: LedgerEntry) -> Balance:
    """The wallet right after that entry, without a query."""
    return _balance(
        epoch=entry.epoch,
        version=entry.version,
        balance=entry.balance_after,
        held=entry.held_after,
        ops=[entry.op] if entry.op else [],
    )


def balance_of(wallet: Wallet) -> Balance:
    """The wallet as it was read, without a query and without `ops`."""
    return _balance(
        epoch=wallet.epoch,
        version=wallet.version,
        balance=wallet.balance,
        held=wallet.held,
        ops=[],
    )


def snapshot(user_id: UUID) -> Balance:
    """The wallet now, with the client keys of its last 20 entries: two queries."""
    return snapshots([user_id])[user_id]


def snapshots(user_ids: Collection[UUID]) -> dict[UUID, Balance]:
    """The same for many people, with the same two queries (and two more for each new wallet).

    The wallets are read first. Of entries that commit in between, nothing is said: their own
    frames are on their way.
    """
    wallets = Wallet.objects.in_bulk(user_ids)
    for missing in {*user_ids} - {*wallets}:
        wallets[missing] = Wallet.objects.for_user(missing)
    found = {pk: balance_of(wallet) for pk, wallet in wallets.items()}
    ops = (
        LedgerEntry.objects.filter(
            wallet_id__in=user_ids, version__gt=F("wallet__version") - RECENT_OPS
        )
        .exclude(op="")
        .order_by("-version")
        .values_list("wallet_id", "version", "op")
    )
    for wallet_id, version, op in ops:
        balance = found[wallet_id]
        if balance["version"] - RECENT_OPS < version <= balance["version"]:
            balance["ops"].append(op)
    return found
