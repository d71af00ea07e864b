"""How the ledger's functions write an entry, and how lots that are due expire.

The database refuses to let tokens out while lots are past their date (`ledger_expiry_due`).
Only then are they settled, under the wallet's lock, and the entry is written after that: a
wallet without expiring lots never gets here, and its debit stays one INSERT.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, router, transaction
from django.db.models import Min

from intellispark.db import database_now
from payments.errors import EntryConflict, HoldResolved, InsufficientTokens, InvariantViolated
from payments.ledger.lots import replay
from payments.ledger.models import LedgerEntry, Wallet

DUE = "ledger_expiry_due"
TRIES = 3  # a lot may fall due between settlement and the entry that waited for it


def post(**fields: Any) -> LedgerEntry:
    """Write the entry, or return the one that its key already wrote."""
    entry = _entry(**fields)
    error = _save(entry)
    if error is None:
        return entry
    # The key first: a replay after the money is gone must not read as "insufficient".
    old = _replayed(entry)
    if old is None and _constraint_of(error) == DUE:
        error = _settle_and_save(entry)
        if error is None:
            return entry
        old = _replayed(entry)
    return old or _refuse(entry, error)


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
                kind=LedgerEntry.Kind.EXPIRY,
                wallet_id=wallet_id,
                amount=-lot.free,
                lot_id=lot.entry_id,
                key=f"exp:{lot.entry_id}" + (f":{lot.expiries}" if lot.expiries else ""),
                description="Expired tokens",
            )
            for lot in lots.due(now)
        ]
        dates = LedgerEntry.objects.filter(wallet_id=wallet_id, expires_at__gt=now)
        Wallet.objects.filter(pk=wallet_id).update(
            next_expiry=dates.aggregate(soonest=Min("expires_at"))["soonest"],
            overdue_since=lots.overdue_since(now),
        )
    return entries


def _settle_and_save(entry: LedgerEntry) -> IntegrityError | None:
    """Settle and write under one lock, so that nobody's hold comes in between.

    A refusal keeps the settlement: what has expired is gone, whatever else is asked for.
    """
    with transaction.atomic():
        for _ in range(TRIES):
            expire_due_lots(wallet_id=entry.wallet_id)
            error = _save(entry)
            if error is None or _constraint_of(error) != DUE:
                break
    return error


def _entry(**fields: Any) -> LedgerEntry:
    """`LedgerEntry(**fields)`. Django takes values by position in a third of the time."""
    related = {name: fields.pop(name) for name in ("hold", "reverses", "actor") if name in fields}
    values = {**_blank(), **fields}
    if len(values) != len(_blank()):
        raise TypeError(f"No columns of an entry: {values.keys() - _blank().keys()}.")
    entry = LedgerEntry(*values.values())  # type: ignore[misc]  # they are columns
    for name, instance in related.items():
        setattr(entry, name, instance)
    return entry


@cache
def _blank() -> dict[str, Any]:
    """Every column with its default, in the model's order."""
    return {field.attname: field.get_default() for field in LedgerEntry._meta.concrete_fields}


def _save(entry: LedgerEntry) -> IntegrityError | None:
    inside = connections[router.db_for_write(LedgerEntry)].in_atomic_block
    try:
        # An IntegrityError spoils a PostgreSQL transaction; outside one a savepoint only costs.
        with transaction.atomic() if inside else nullcontext():
            entry.save()
    except IntegrityError as error:
        return error
    return None


def _replayed(entry: LedgerEntry) -> LedgerEntry | None:
    old = LedgerEntry.objects.filter(wallet_id=entry.wallet_id, key=entry.key).first()
    if old is None:
        return None
    content = (
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
    if any(getattr(old, name) != getattr(entry, name) for name in content):
        raise EntryConflict
    return old


def _refuse(entry: LedgerEntry, error: IntegrityError) -> LedgerEntry:
    law = _constraint_of(error)
    if law == "ledger_insufficient":
        wallet = Wallet.objects.get(pk=entry.wallet_id)
        needed = entry.held_change or -entry.amount
        raise InsufficientTokens(needed=needed, available=wallet.available) from error
    if law in ("ledger_hold_resolved", "payments_ledgerentry_hold_id_key"):
        raise HoldResolved from error
    raise InvariantViolated(law=law) from error


def _constraint_of(error: IntegrityError) -> str:
    """The name of the law or constraint behind a database error, on either engine."""
    diag = getattr(error.__cause__, "diag", None)
    return diag.constraint_name or "" if diag else str(error)
