"""Lots: what each credit brought, and what is left of it.

Nothing of this is stored. A wallet's entries, played in the order of their versions, give the
same lots whenever and wherever they are played: time decides when an expiry entry is written,
never which tokens an entry takes. The rules (docs/ledger.md, invariant 8):

- Tokens are taken soonest expiry first, then granted before paid, then oldest first.
- A hold takes its tokens out of the lots at once. What its end gives back returns to the lots
  it came from, though they may be due by then.
- A clawback takes from the other end: what was paid for goes first.
- Tokens taken beyond what is there are owed; the next credit or returned hold pays them.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from payments.ledger.models import LedgerEntry
from payments.ledger.models.entry import LedgerQuerySet

CHUNK = 5_000
NEVER = datetime.max.replace(tzinfo=UTC)
Kind = LedgerEntry.Kind


class Line(NamedTuple):
    """The columns that the invariants speak of; many times lighter than the model."""

    wallet_id: UUID
    id: int
    version: int
    kind: str
    amount: int
    held_change: int
    balance_after: int
    held_after: int
    hold_id: int | None
    reverses_id: int | None
    lot_id: int | None
    expires_at: datetime | None
    created_at: datetime


@dataclass(slots=True, order=True)
class Lot:
    """What is free of one credit. Lots sort in the order in which they are taken."""

    expires_at: datetime
    is_paid: bool
    entry_id: int
    free: int = field(compare=False)
    expiries: int = field(default=0, compare=False)


Part = tuple[Lot, int]
SOURCES = ("paid", "granted", "debt")


class Move(NamedTuple):
    """Tokens of one source that an entry added (+) or took (-). `pays_debt`: they went on."""

    source: str  # one of SOURCES
    tokens: int
    pays_debt: bool = False


def replay(wallet_id: UUID) -> Lots:
    """The wallet's lots now: one pass over its entries."""
    lots = Lots()
    for line in lines(LedgerEntry.objects.filter(wallet_id=wallet_id).order_by("version")):
        lots.apply(line)
    return lots


def lines(entries: LedgerQuerySet) -> Iterator[Line]:
    """The entries in the order of the query, a chunk of them in memory."""
    return map(Line._make, entries.values_list(*Line._fields).iterator(CHUNK))


class Lots:
    """The lots of one wallet after the entries that were applied to it.

    At any time `sum(free) - owed` is the wallet's `balance - held`.
    """

    def __init__(self, refundable: frozenset[int] = frozenset()) -> None:
        """`refundable`: ids of entries whose refund must find where their tokens came from.

        Without it, refunds count as granted; which tokens expire does not depend on it.
        """
        self.free: list[Lot] = []
        self.owed = 0
        self.holds: dict[int, list[Part]] = {}
        self._refundable = refundable
        self._taken: dict[int, list[Part]] = {}
        self._moves: list[Move] = []

    def due(self, now: datetime) -> list[Lot]:
        """The lots past their date that still have free tokens."""
        found = []
        for lot in self.free:
            if lot.expires_at > now:
                break
            found.append(lot)
        return found

    def overdue_since(self, now: datetime) -> datetime | None:
        """The soonest date gone by of tokens that an open hold keeps."""
        parts = (part for parts in self.holds.values() for part in parts)
        return min((lot.expires_at for lot, _ in parts if lot.expires_at <= now), default=None)

    def apply(self, line: Line) -> list[Move]:
        """What the next entry moved, by source."""
        self._moves = []
        tokens = abs(line.amount)
        match line.kind:
            case Kind.HOLD:
                self.holds[line.id] = self._take(line.held_change)
            case Kind.CAPTURE | Kind.RELEASE:
                kept, back = _divide(self.holds.pop(line.hold_id or 0, []), tokens)
                self._spend(line, kept)
                for lot, count in back:
                    self._give(lot, count)
            case Kind.SPEND:
                self._spend(line, self._take(tokens))
            case Kind.CLAWBACK:
                self._spend(line, self._take(tokens, from_end=True))
            case Kind.ADJUSTMENT if line.amount < 0:
                self._spend(line, self._take(tokens))
            case Kind.EXPIRY:
                self._expire(line, tokens)
            case Kind.WRITE_OFF:
                self.owed -= tokens
                self._moves.append(Move("debt", tokens))
            case Kind.REFUND:
                for is_paid, count in _by_source(
                    self._taken.pop(line.reverses_id or 0, []), tokens
                ):
                    self._credit(line, count, is_paid=is_paid)
            case _:
                self._credit(line, tokens, is_paid=line.kind == Kind.PURCHASE)
        return self._moves

    def _credit(self, line: Line, tokens: int, *, is_paid: bool) -> None:
        self._moves.append(Move(_source(is_paid), tokens))
        self._give(Lot(line.expires_at or NEVER, is_paid, line.id, 0), tokens)

    def _give(self, lot: Lot, tokens: int) -> None:
        """Tokens into a lot, debt first."""
        if self.owed:
            paid = min(self.owed, tokens)
            self.owed -= paid
            tokens -= paid
            self._moves += [
                Move(_source(lot.is_paid), -paid, pays_debt=True),
                Move("debt", paid, pays_debt=True),
            ]
        if tokens:
            if not lot.free:
                insort(self.free, lot)
            lot.free += tokens

    def _take(self, tokens: int, *, from_end: bool = False) -> list[Part]:
        """Tokens out of the lots, in their order or from its end; what is missing is owed."""
        parts: list[Part] = []
        while tokens and self.free:
            lot = self.free[-1 if from_end else 0]
            count = min(tokens, lot.free)
            parts.append((lot, count))
            tokens -= count
            lot.free -= count
            if not lot.free:
                self.free.pop(-1 if from_end else 0)
        if tokens:
            self.owed += tokens
            self._moves.append(Move("debt", -tokens))
        return parts

    def _spend(self, line: Line, parts: list[Part]) -> None:
        self._moves += [Move(_source(lot.is_paid), -count) for lot, count in parts]
        if line.id in self._refundable:
            self._taken[line.id] = parts

    def _expire(self, line: Line, tokens: int) -> None:
        lot = next((lot for lot in self.free if lot.entry_id == line.lot_id), None)
        if lot is None or lot.free < tokens:
            free = lot.free if lot else 0
            raise LotMismatch(f"entry {line.id} expires {tokens} of a lot that had {free} left")
        lot.free -= tokens
        lot.expiries += 1
        if not lot.free:
            self.free.remove(lot)
        self._moves.append(Move(_source(lot.is_paid), -tokens))


class LotMismatch(Exception):
    """An expiry took more than its lot had."""


def _source(is_paid: bool) -> str:
    return "paid" if is_paid else "granted"


def _divide(parts: list[Part], tokens: int) -> tuple[list[Part], list[Part]]:
    """The first `tokens` of the parts, and the rest."""
    kept: list[Part] = []
    back: list[Part] = []
    for lot, count in parts:
        taken = min(tokens, count)
        tokens -= taken
        if taken:
            kept.append((lot, taken))
        if count > taken:
            back.append((lot, count - taken))
    return kept, back


def _by_source(parts: list[Part], tokens: int) -> list[tuple[bool, int]]:
    """How many of `tokens` were granted and how many paid; granted where that is not known."""
    paid = sum(count for lot, count in parts if lot.is_paid)
    return [(is_paid, n) for is_paid, n in ((False, tokens - paid), (True, paid)) if n]
