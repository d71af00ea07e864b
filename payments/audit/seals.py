"""A chain of hashes for each wallet: finds changes made while the triggers were switched off.

Each entry's digest covers the entry and the digest before it. `check_ledger --seal` computes the
digests, away from the hot path, and `--verify` compares them. `head` is one digest of them all:
stored somewhere else, it also shows whether the seals themselves were rewritten.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from django.db.models import F, Max
from django.db.models.functions import Coalesce

from payments.audit.verify import Difference
from payments.ledger.lots import CHUNK
from payments.ledger.models import LedgerEntry, LedgerSeal, Wallet

# Every column of today. A new column must stay out, or the seals that exist would no longer match.
SEALED = (
    "id",
    "wallet_id",
    "version",
    "epoch",
    "kind",
    "amount",
    "held_change",
    "balance_after",
    "held_after",
    "hold_id",
    "reverses_id",
    "lot_id",
    "expires_at",
    "key",
    "op",
    "actor_id",
    "reason",
    "description",
    "reference",
    "created_at",
)
VERSION = SEALED.index("version")

Row = tuple[Any, ...]  # the values of SEALED


def seal() -> int:
    """Seal all entries that have no seal; the result is their number. One transaction a chunk."""
    unsealed = Wallet.objects.annotate(sealed=Coalesce(Max("seals__version"), 0))
    behind = unsealed.filter(version__gt=F("sealed")).values_list("pk", "sealed")
    return sum(_seal_wallet(wallet_id, sealed) for wallet_id, sealed in list(behind))


def broken() -> Iterator[Difference]:
    """The first difference of each wallet from its seals: an entry changed, or gone."""
    seals = LedgerSeal.objects.order_by("wallet_id", "version").iterator(CHUNK)
    for wallet_id, of_wallet in groupby(seals, key=attrgetter("wallet_id")):
        what = _first_difference(wallet_id, of_wallet)
        if what:
            yield Difference(wallet_id, what)


def head() -> str:
    """One digest of all wallets' newest seals."""
    total = sha256()
    seals = LedgerSeal.objects.order_by("wallet_id", "version").values_list("wallet_id", "digest")
    for _, of_wallet in groupby(seals.iterator(CHUNK), key=itemgetter(0)):
        (_, newest) = deque(of_wallet, maxlen=1).pop()
        total.update(bytes(newest))
    return total.hexdigest()


def _seal_wallet(wallet_id: UUID, sealed: int) -> int:
    last = LedgerSeal.objects.filter(wallet_id=wallet_id, version=sealed).first()
    digest = bytes(last.digest) if last else _start(wallet_id)
    count = 0
    entries = _rows(wallet_id, after=sealed)
    while rows := list(islice(entries, CHUNK)):
        seals = []
        for row in rows:
            digest = _next(digest, row)
            seals.append(LedgerSeal(wallet_id=wallet_id, version=row[VERSION], digest=digest))
        # Conflicts are fine: a process that seals at the same time computes the same digests.
        count += len(LedgerSeal.objects.bulk_create(seals, ignore_conflicts=True))
    return count


def _first_difference(wallet_id: UUID, seals: Iterator[LedgerSeal]) -> str:
    digest, rows = _start(wallet_id), _rows(wallet_id)
    for version, one in enumerate(seals, start=1):
        if one.version != version:
            return f"the seal of version {version} is gone"
        row = next(rows, None)
        if row is None or row[VERSION] != version:
            return f"the entry with version {version} was sealed and is gone"
        digest = _next(digest, row)
        if digest != bytes(one.digest):
            return f"the entry with version {version} is not what was sealed"
    return ""


def _rows(wallet_id: UUID, after: int = 0) -> Iterator[Row]:
    entries = LedgerEntry.objects.filter(wallet_id=wallet_id, version__gt=after)
    return entries.order_by("version").values_list(*SEALED).iterator(CHUNK)


def _start(wallet_id: UUID) -> bytes:
    return sha256(wallet_id.bytes).digest()


def _next(digest: bytes, row: Row) -> bytes:
    """The entry's digest. Times have six digits and ids are text, so both engines give the same."""
    entry = json.dumps(row, default=str, separators=(",", ":"), ensure_ascii=True)
    return sha256(digest + entry.encode()).digest()
