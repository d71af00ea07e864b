"""How an entry is written, and how lots that are due expire before it.

The database refuses to let tokens out while lots are past their date (`ledger_expiry_due`).
Only then do they expire, under the wallet's lock, and the entry is written after that: a wallet
without expiring lots never gets here, and its entry stays one INSERT.
"""

from __future__ import annotations

from contextlib import nullcontext
from uuid import UUID

from django.db import IntegrityError, connections, router, transaction
from django.db.models import Min

from intellispark.db import database_now
from payments.errors import EntryConflict, HoldResolved, InsufficientTokens, InvariantViolated
from payments.ledger.lots import replay
from payments.ledger.models import LedgerEntry, Wallet
from payments.ledger.new_entry import NewEntry

DUE = "ledger_expiry_due"
TRIES = 3  # a lot may fall due between its expiry and the entry that waited for it
SQLITE_PREFIX = "CHECK constraint failed: "


def post(new: NewEntry) -> LedgerEntry:
    """Write the entry, or return the one that its key already wrote.

    Raises InsufficientTokens, EntryConflict, HoldResolved and InvariantViolated.
    """
    written = _write(new)
    if isinstance(written, LedgerEntry):
        return written
    # The key first: a replay after the money is gone must not read as "insufficient".
    if old := _replayed(new):
        return old
    if _constraint_of(written) == DUE:
        written = _expire_and_write(new)
        if isinstance(written, LedgerEntry):
            return written
        if old := _replayed(new):
            return old
    raise _refusal(new, written) from written


def expire_due_lots(*, wallet_id: UUID) -> list[LedgerEntry]:
    """The entries by which lots past their date expired; usually one a lot, often none.

    Whoever comes second waits for the wallet's lock and finds nothing left. Tokens that an open
    hold keeps do not expire yet: the hold's end brings the wallet back to here.
    """
    with transaction.atomic():
        wallet = Wallet.objects.select_for_update(no_key=True).filter(pk=wallet_id).first()
        now = database_now()
        if wallet is None or wallet.next_expiry is None or wallet.next_expiry > now:
            return []
        lots = replay(wallet_id)
        entries = [
            post(
                NewEntry(
                    kind=LedgerEntry.Kind.EXPIRY,
                    wallet_id=wallet_id,
                    amount=-lot.free,
                    lot_id=lot.entry_id,
                    key=f"exp:{lot.entry_id}" + (f":{lot.expiries}" if lot.expiries else ""),
                    description="Expired tokens",
                )
            )
            for lot in lots.due(now)
        ]
        dates = LedgerEntry.objects.filter(wallet_id=wallet_id, expires_at__gt=now)
        Wallet.objects.filter(pk=wallet_id).update(
            next_expiry=dates.aggregate(soonest=Min("expires_at"))["soonest"],
            overdue_since=lots.overdue_since(now),
        )
    return entries


def _expire_and_write(new: NewEntry) -> LedgerEntry | IntegrityError:
    """Both under one lock, so that nobody's hold comes in between.

    A refusal keeps the expiry: what has expired is gone, whatever else is asked for.
    """
    with transaction.atomic():
        for _ in range(TRIES):
            expire_due_lots(wallet_id=new.wallet_id)
            written = _write(new)
            if isinstance(written, LedgerEntry) or _constraint_of(written) != DUE:
                break
    return written


def _write(new: NewEntry) -> LedgerEntry | IntegrityError:
    """The entry, or why the database refused it."""
    entry = new.unsaved()
    inside = connections[router.db_for_write(LedgerEntry)].in_atomic_block
    try:
        # An IntegrityError spoils a PostgreSQL transaction; outside one a savepoint only costs.
        with transaction.atomic() if inside else nullcontext():
            entry.save()
    except IntegrityError as error:
        return error
    return entry


def _replayed(new: NewEntry) -> LedgerEntry | None:
    """What this key wrote before. Raises EntryConflict where that was something else."""
    old = LedgerEntry.objects.filter(wallet_id=new.wallet_id, key=new.key).first()
    if old and not new.is_replayed_by(old):
        raise EntryConflict
    return old


def _refusal(
    new: NewEntry, error: IntegrityError
) -> InsufficientTokens | HoldResolved | InvariantViolated:
    name = _constraint_of(error)
    if name == "ledger_insufficient":
        wallet = Wallet.objects.get(pk=new.wallet_id)
        return InsufficientTokens(needed=new.held_change or -new.amount, available=wallet.available)
    if name in ("ledger_hold_resolved", "payments_ledgerentry_hold_id_key"):
        return HoldResolved()
    return InvariantViolated(invariant=name)


def _constraint_of(error: IntegrityError) -> str:
    """The name of the constraint or trigger that refused, on either engine."""
    diag = getattr(error.__cause__, "diag", None)
    return diag.constraint_name or "" if diag else str(error).removeprefix(SQLITE_PREFIX)
