"""A person's ledger entries, newest first, in pages that stand still while new entries arrive.

Pages are cut by version, not by number: versions have no gaps and never change, so an entry is
neither missed nor shown twice however many are written between two requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext, ngettext

from intellispark.api.times import isoformat
from intellispark.text import grouped
from payments.ledger.balance import Balance, balance_after, balance_of
from payments.ledger.descriptions import describe
from payments.ledger.models import LedgerEntry, Wallet
from payments.ledger.models.entry import LedgerQuerySet

ALL = "all"
POSTED = "posted"  # what changed the balance
KINDS = [ALL, *LedgerEntry.Kind.values]
Kind = LedgerEntry.Kind


@dataclass(frozen=True)
class Page:
    """Entries, and the versions to ask `before` and `after` for its neighbours, if any."""

    entries: list[LedgerEntry]
    older: int | None
    newer: int | None

    @property
    def rows(self) -> list[Row]:
        return [Row(entry) for entry in self.entries]


def read(
    *,
    user_id: UUID,
    kind: str = "",
    before: int | None = None,
    after: int | None = None,
    limit: int,
) -> Page:
    """One page of the person's entries: one query, along the (wallet, version) index.

    `kind` is one kind, `all` or `posted`; without it, what changed the balance and the holds that
    are open now. `before` and `after` are versions, exclusive.
    """
    entries = _of_kind(kind).filter(wallet_id=user_id).select_related("resolution")
    if after is not None:
        found = list(entries.filter(version__gt=after).order_by("version")[: limit + 1])
        if len(found) > limit:
            shown = found[limit - 1 :: -1]
            return Page(shown, older=shown[-1].version, newer=shown[0].version)
        before = None  # fewer than a page are newer: show the first page, full
    if before is not None:
        entries = entries.filter(version__lt=before)
    found = list(entries.order_by("-version")[: limit + 1])
    shown = found[:limit]
    return Page(
        shown,
        older=shown[-1].version if len(found) > limit else None,
        newer=before - 1 if before is not None else None,
    )


def balance_at(*, user_id: UUID, at: datetime | None = None, version: int | None = None) -> Balance:
    """The person's balance at that time or after that version, without `ops`: one query.

    Versions are the order of things; a time means the last entry that was dated by then.
    """
    entries = LedgerEntry.objects.filter(wallet_id=user_id)
    if version is not None:
        entries = entries.filter(version__lte=version)
    if at is not None:
        entries = entries.filter(created_at__lte=at)
    entry = entries.order_by("-version").first()
    return {**balance_after(entry), "ops": []} if entry else balance_of(Wallet())


def _of_kind(kind: str) -> LedgerQuerySet:
    if kind == ALL:
        return LedgerEntry.objects.all()
    if kind == POSTED:
        return LedgerEntry.objects.exclude(amount=0)
    if kind:
        return LedgerEntry.objects.filter(kind=kind)
    return LedgerEntry.objects.for_history()


@dataclass(frozen=True)
class Row:
    """One entry as the history shows it."""

    entry: LedgerEntry

    @property
    def created_at(self) -> str:
        return isoformat(self.entry.created_at)

    @property
    def title(self) -> str:
        return describe(self.entry)

    @property
    def note(self) -> str:
        """The second line: why, or what the title does not say by itself."""
        if self.entry.reason:
            return self.entry.reason
        match self.entry.kind:
            case Kind.HOLD if self.is_open:
                return gettext("Reserved while the reply is being written")
            case Kind.HOLD:
                captured = self.entry.resolution.kind == Kind.CAPTURE
                return gettext("Charged") if captured else gettext("Not charged")
            case Kind.RELEASE:
                return gettext("Not charged")
            case Kind.REFUND:
                return gettext("Tokens returned")
        return ""

    @property
    def change(self) -> str:
        """The tokens with their sign; in words where the balance did not move."""
        amount, held = self.entry.amount, self.entry.held_change
        if amount:
            return f"+{grouped(amount)}" if amount > 0 else grouped(amount)
        if held > 0:
            return ngettext("%(n)s reserved", "%(n)s reserved", held) % {"n": grouped(held)}
        return ngettext("%(n)s freed", "%(n)s freed", -held) % {"n": grouped(-held)}

    @property
    def tone(self) -> str:
        if self.entry.amount:
            return "credit" if self.entry.amount > 0 else "debit"
        return "held" if self.is_open else "settled"

    @property
    def is_open(self) -> bool:
        """A hold that no capture or release has settled yet."""
        return self.entry.kind == Kind.HOLD and not hasattr(self.entry, "resolution")
