"""What an entry says before the database completes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.ledger.models import LedgerEntry


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An entry to be written. `amount` and `held_change` are whole tokens, with their sign.

    The wallet's key `key` makes it repeatable. What `op`, `description` and `reference` say is no
    part of the content that a replay is compared by (`REPLAYED`). `expires_at` is aware.
    """

    kind: LedgerEntry.Kind
    wallet_id: UUID
    key: str
    amount: int = 0
    held_change: int = 0
    hold_id: int | None = None
    reverses_id: int | None = None
    lot_id: int | None = None
    expires_at: datetime | None = None
    actor_id: UUID | None = None
    reason: str = ""
    op: str = ""
    description: str = ""
    reference: str = ""

    def unsaved(self) -> LedgerEntry:
        """The same as a model instance."""
        return LedgerEntry(**vars(self))

    def is_replayed_by(self, written: LedgerEntry) -> bool:
        """Whether that entry, found under the same key, has the same content."""
        return all(getattr(written, name) == getattr(self, name) for name in REPLAYED)


REPLAYED = (
    "kind",
    "amount",
    "held_change",
    "hold_id",
    "reverses_id",
    "lot_id",
    "expires_at",
    "actor_id",
    "reason",
)
