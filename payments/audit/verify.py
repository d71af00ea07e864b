"""Proves every wallet against its entries: what `check_ledger` finds is listed by `differences`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from payments.ledger.lots import CHUNK, NEVER, Line, LotMismatch, Lots, lines
from payments.ledger.models import LedgerEntry, Wallet


@dataclass(frozen=True)
class Difference:
    """One place where the ledger breaks an invariant."""

    wallet_id: UUID
    what: str

    def __str__(self) -> str:
        return f"{self.wallet_id}: {self.what}"


Watch = Callable[[Iterator[Line]], Iterable[Line]]


def differences(watch: Watch = iter) -> Iterator[Difference]:
    """Every difference: one pass over the entries, one wallet in memory, then the refunds.

    `watch` wraps the rows, to show progress. Run it inside `one_snapshot()` or on a quiet database:
    entries that commit between its queries would look like differences.
    """
    wallets = Wallet.objects.order_by("pk").iterator(CHUNK)
    wallet = next(wallets, None)
    for wallet_id, rows in groupby(watch(all_lines()), key=attrgetter("wallet_id")):
        while wallet and wallet.pk < wallet_id:
            yield from _without_entries(wallet)
            wallet = next(wallets, None)
        if wallet is None or wallet.pk != wallet_id:
            yield Difference(wallet_id, "it has entries, but no wallet")
            continue
        for what in _of_wallet(wallet, rows):
            yield Difference(wallet_id, what)
        wallet = next(wallets, None)
    while wallet:
        yield from _without_entries(wallet)
        wallet = next(wallets, None)
    yield from _refunds_of_nothing()


def all_lines() -> Iterator[Line]:
    """Every entry, by wallet and version, along the index of the two."""
    return lines(LedgerEntry.objects.order_by("wallet_id", "version"))


def _without_entries(wallet: Wallet) -> Iterator[Difference]:
    if (wallet.balance, wallet.held, wallet.version) != (0, 0, 0):
        yield Difference(wallet.pk, "the wallet moved, but has no entries")


def _refunds_of_nothing() -> Iterator[Difference]:
    """Refunds without a spend or capture of the same wallet and size."""
    taken = LedgerEntry.objects.filter(
        pk=OuterRef("reverses_id"),
        wallet_id=OuterRef("wallet_id"),
        kind__in=[LedgerEntry.Kind.SPEND, LedgerEntry.Kind.CAPTURE],
        amount=-OuterRef("amount"),
    )
    refunds = Q(kind=LedgerEntry.Kind.REFUND) | Q(reverses__isnull=False)
    for entry in LedgerEntry.objects.filter(refunds).exclude(Exists(taken)).iterator(CHUNK):
        yield Difference(entry.wallet_id, f"entry {entry.pk} gives back nothing of its size")


def _of_wallet(wallet: Wallet, rows: Iterable[Line]) -> Iterator[str]:
    balance = held = version = 0
    open_holds: dict[int, int] = {}
    lots: Lots | None = Lots()
    for row in rows:
        version += 1
        balance += row.amount
        held += row.held_change
        if row.version != version:
            yield f"entry {row.id} has version {row.version}, not {version}"
            version = row.version
        if row.balance_after != balance or row.held_after != held:
            yield (
                f"entry {row.id} says balance {row.balance_after}, held"
                f" {row.held_after}; its predecessors add up to {balance}, {held}"
            )
        if row.held_change > 0:
            open_holds[row.id] = row.held_change
        elif row.hold_id is not None and open_holds.pop(row.hold_id, None) != -row.held_change:
            yield f"entry {row.id} settles no open hold of its size"
        if lots:
            try:
                lots.apply(row)
            except LotMismatch as error:
                yield str(error)
                lots = None  # later rows would only repeat the mismatch
    if sum(open_holds.values()) != held:
        yield f"open holds add up to {sum(open_holds.values())}, held is {held}"
    if (wallet.balance, wallet.held, wallet.version) != (balance, held, version):
        yield (
            f"the wallet says balance {wallet.balance}, held {wallet.held}, version"
            f" {wallet.version}; its entries say {balance}, {held}, {version}"
        )
    if lots:
        yield from _of_dates(wallet, lots)


def _of_dates(wallet: Wallet, lots: Lots) -> Iterator[str]:
    """Dates that the wallet does not know, so that it would let expired tokens out."""
    looked_at = wallet.next_expiry or NEVER
    free = lots.free[0].expires_at if lots.free else NEVER
    if free < looked_at:
        yield f"tokens expire at {free}, but the wallet's next expiry is {wallet.next_expiry}"
    kept = min((lot.expires_at for parts in lots.holds.values() for lot, _ in parts), default=NEVER)
    if kept < min(looked_at, wallet.overdue_since or NEVER):
        yield f"a hold keeps tokens of {kept}, but the wallet does not know that they are overdue"
