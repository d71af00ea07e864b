"""The only writer of the ledger: one function for each kind of entry.

Each writes one entry with one INSERT and returns it with `version`, `balance_after`, `held_after`
and `created_at` filled by the database, which also refuses what docs/ledger.md does not allow.
`key` makes a call repeatable: the same key with the same content returns the first entry, with
other content it raises EntryConflict. Amounts are whole tokens, above zero. All may raise
InsufficientTokens (where funds are needed), EntryConflict and InvariantViolated. Inside a
transaction a refusal rolls back to a savepoint, so the caller's transaction stays usable. Where
lots of the wallet are past their date, what takes tokens lets them expire first (`posting.py`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from intellispark.accounts.models import User
from payments.ledger.models import LedgerEntry
from payments.ledger.new_entry import NewEntry
from payments.ledger.posting import post

Kind = LedgerEntry.Kind


def grant(
    *,
    wallet_id: UUID,
    tokens: int,
    key: str,
    description: str = "",
    reason: str = "",
    actor: User | None = None,
    op: str = "",
    reference: str = "",
    expires_at: datetime | None = None,
) -> LedgerEntry:
    """The entry that gives `tokens` for free; what is left of them at `expires_at` expires.

    `expires_at` is aware, lies ahead, and is part of the content that a replay is compared by.
    """
    return post(
        NewEntry(
            kind=Kind.GRANT,
            wallet_id=wallet_id,
            amount=tokens,
            expires_at=expires_at,
            key=key,
            description=description,
            reason=reason,
            actor_id=actor.pk if actor else None,
            op=op,
            reference=reference,
        )
    )


def purchase(
    *, wallet_id: UUID, tokens: int, key: str, description: str, reference: str, op: str = ""
) -> LedgerEntry:
    """The entry that credits `tokens` which were paid for."""
    return post(
        NewEntry(
            kind=Kind.PURCHASE,
            wallet_id=wallet_id,
            amount=tokens,
            key=key,
            description=description,
            reference=reference,
            op=op,
        )
    )


def spend(
    *,
    wallet_id: UUID,
    tokens: int,
    key: str,
    description: str = "",
    op: str = "",
    reference: str = "",
) -> LedgerEntry:
    """The entry that takes `tokens` at once, without a hold."""
    return post(
        NewEntry(
            kind=Kind.SPEND,
            wallet_id=wallet_id,
            amount=-tokens,
            key=key,
            description=description,
            op=op,
            reference=reference,
        )
    )


def hold(
    *,
    wallet_id: UUID,
    tokens: int,
    key: str,
    op: str = "",
    description: str = "",
    reference: str = "",
) -> LedgerEntry:
    """The entry that reserves `tokens` until a capture or a release settles it."""
    return post(
        NewEntry(
            kind=Kind.HOLD,
            wallet_id=wallet_id,
            held_change=tokens,
            key=key,
            op=op,
            description=description,
            reference=reference,
        )
    )


def capture(*, hold: LedgerEntry, key: str, tokens: int | None = None, op: str = "") -> LedgerEntry:
    """The entry that takes what was held, or fewer `tokens`; the rest is free again.

    Raises HoldResolved when the hold was settled before.
    """
    taken = hold.held_change if tokens is None else tokens
    return post(_settlement(Kind.CAPTURE, hold=hold, amount=-taken, key=key, op=op))


def release(*, hold: LedgerEntry, key: str, op: str = "") -> LedgerEntry:
    """The entry that frees what was held. Raises HoldResolved when it was settled before."""
    return post(_settlement(Kind.RELEASE, hold=hold, amount=0, key=key, op=op))


def refund(*, entry: LedgerEntry, key: str, op: str = "", reason: str = "") -> LedgerEntry:
    """The entry that gives back a spend or a capture, whole and once; it does not expire."""
    return post(
        NewEntry(
            kind=Kind.REFUND,
            wallet_id=entry.wallet_id,
            amount=-entry.amount,
            reverses_id=entry.pk,
            key=key,
            op=op,
            description=entry.description,
            reason=reason,
            reference=entry.reference,
        )
    )


def adjust(*, wallet_id: UUID, tokens: int, key: str, actor: User, reason: str) -> LedgerEntry:
    """The entry by which an admin changes a balance by `tokens`, up or down."""
    return post(
        NewEntry(
            kind=Kind.ADJUSTMENT,
            wallet_id=wallet_id,
            amount=tokens,
            key=key,
            actor_id=actor.pk,
            reason=reason,
            description="Adjustment",
        )
    )


def clawback(
    *, wallet_id: UUID, tokens: int, key: str, reference: str, description: str = ""
) -> LedgerEntry:
    """The entry that takes back `tokens` whose payment was undone, spent or not.

    What was spent by then becomes debt: no hold or spend until a credit has paid it.
    """
    return post(
        NewEntry(
            kind=Kind.CLAWBACK,
            wallet_id=wallet_id,
            amount=-tokens,
            key=key,
            reference=reference,
            description=description,
        )
    )


def write_off(*, wallet_id: UUID, tokens: int, key: str, actor: User, reason: str) -> LedgerEntry:
    """The entry by which an admin forgives `tokens` of a debt, at most the debt."""
    return post(
        NewEntry(
            kind=Kind.WRITE_OFF,
            wallet_id=wallet_id,
            amount=tokens,
            key=key,
            actor_id=actor.pk,
            reason=reason,
            description="Debt written off",
        )
    )


def _settlement(
    kind: LedgerEntry.Kind, *, hold: LedgerEntry, amount: int, key: str, op: str
) -> NewEntry:
    """Either frees exactly what was held, and says what the hold said."""
    return NewEntry(
        kind=kind,
        wallet_id=hold.wallet_id,
        amount=amount,
        held_change=-hold.held_change,
        hold_id=hold.pk,
        key=key,
        op=op,
        description=hold.description,
        reference=hold.reference,
    )
