"""The only writer of the ledger.

Every function writes one entry with one INSERT and returns it with `version`, `balance_after`,
`held_after` and `created_at` filled by the database, which also checks the laws (docs/ledger.md).
`key` makes a call repeatable: the same key with the same content returns the first entry, with
other content it raises EntryConflict. Amounts are whole tokens. All may raise InsufficientTokens
(where funds are needed), EntryConflict and InvariantViolated. Inside a transaction a
refusal rolls back to a savepoint, so the caller's transaction stays usable. Where lots of the
wallet are past their date, what takes tokens lets them expire first (see `posting.py`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from intellispark.accounts.models import User
from payments.errors import InvariantViolated
from payments.ledger.models import LedgerEntry
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
        kind=Kind.GRANT,
        wallet_id=wallet_id,
        amount=_positive(tokens),
        expires_at=expires_at,
        key=key,
        description=description,
        reason=reason,
        actor=actor,
        op=op,
        reference=reference,
    )


def purchase(
    *, wallet_id: UUID, tokens: int, key: str, description: str, reference: str, op: str = ""
) -> LedgerEntry:
    """The entry that credits `tokens` which were paid for."""
    return post(
        kind=Kind.PURCHASE,
        wallet_id=wallet_id,
        amount=_positive(tokens),
        key=key,
        description=description,
        reference=reference,
        op=op,
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
        kind=Kind.SPEND,
        wallet_id=wallet_id,
        amount=-_positive(tokens),
        key=key,
        description=description,
        op=op,
        reference=reference,
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
        kind=Kind.HOLD,
        wallet_id=wallet_id,
        held_change=_positive(tokens),
        key=key,
        op=op,
        description=description,
        reference=reference,
    )


def capture(
    *,
    hold: LedgerEntry,
    key: str,
    tokens: int | None = None,
    op: str = "",
    description: str = "",
    reference: str = "",
) -> LedgerEntry:
    """The entry that takes what was held, or fewer `tokens`; the rest is free again.

    Raises HoldResolved when the hold was settled before.
    """
    return post(
        kind=Kind.CAPTURE,
        wallet_id=hold.wallet_id,
        amount=-_positive(hold.held_change if tokens is None else tokens),
        held_change=-hold.held_change,
        hold=hold,
        key=key,
        op=op,
        description=description or hold.description,
        reference=reference or hold.reference,
    )


def release(
    *, hold: LedgerEntry, key: str, op: str = "", description: str = "", reference: str = ""
) -> LedgerEntry:
    """The entry that frees what was held. Raises HoldResolved when it was settled before."""
    return post(
        kind=Kind.RELEASE,
        wallet_id=hold.wallet_id,
        held_change=-hold.held_change,
        hold=hold,
        key=key,
        op=op,
        description=description or hold.description,
        reference=reference or hold.reference,
    )


def refund(
    *, entry: LedgerEntry, key: str, op: str = "", description: str = "", reason: str = ""
) -> LedgerEntry:
    """The entry that gives back a spend or a capture, whole and once; it does not expire."""
    return post(
        kind=Kind.REFUND,
        wallet_id=entry.wallet_id,
        amount=_positive(-entry.amount),
        reverses=entry,
        key=key,
        op=op,
        description=description or entry.description,
        reason=reason,
        reference=entry.reference,
    )


def adjust(*, wallet_id: UUID, tokens: int, key: str, actor: User, reason: str) -> LedgerEntry:
    """The entry by which an admin changes a balance by `tokens`, up or down."""
    return post(
        kind=Kind.ADJUSTMENT,
        wallet_id=wallet_id,
        amount=tokens,
        key=key,
        actor=actor,
        reason=reason,
        description="Adjustment",
    )


def clawback(
    *, wallet_id: UUID, tokens: int, key: str, reference: str, description: str = ""
) -> LedgerEntry:
    """The entry that takes back `tokens` whose payment was undone, spent or not.

    What was spent by then becomes debt: no hold or spend until a credit has paid it.
    """
    return post(
        kind=Kind.CLAWBACK,
        wallet_id=wallet_id,
        amount=-_positive(tokens),
        key=key,
        reference=reference,
        description=description,
    )


def write_off(*, wallet_id: UUID, tokens: int, key: str, actor: User, reason: str) -> LedgerEntry:
    """The entry by which an admin forgives `tokens` of a debt, at most the debt."""
    return post(
        kind=Kind.WRITE_OFF,
        wallet_id=wallet_id,
        amount=_positive(tokens),
        key=key,
        actor=actor,
        reason=reason,
        description="Debt written off",
    )


def _positive(tokens: int) -> int:
    if tokens <= 0:
        raise InvariantViolated(f"An amount must be positive, not {tokens}.")
    return tokens
