"""The ledger as CSV and NDJSON, in the order of versions and in bounded memory."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from io import StringIO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Max

from intellispark.api.times import isoformat
from payments.ledger.lots import CHUNK
from payments.ledger.models import LedgerEntry
from payments.ledger.models.entry import LedgerQuerySet

# The columns, in this order; new ones go to the end, because files are compared and appended.
COLUMNS = (
    "wallet_id",
    "version",
    "id",
    "epoch",
    "kind",
    "amount",
    "held_change",
    "balance_after",
    "held_after",
    "created_at",
    "expires_at",
    "hold_id",
    "reverses_id",
    "lot_id",
    "key",
    "op",
    "actor_id",
    "reason",
    "description",
    "reference",
)
# Text that a spreadsheet takes for a formula (OWASP, "CSV Injection"). Numbers are not text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Format = Callable[[Iterable[tuple[object, ...]]], Iterator[str]]


def select(*, wallet_id: UUID | None = None, from_version: int = 1) -> LedgerQuerySet:
    """The entries of one wallet, or of all, from that version of each wallet on."""
    entries = LedgerEntry.objects.filter(version__gte=from_version)
    if wallet_id is None:
        return entries.order_by("wallet_id", "version")
    return entries.filter(wallet_id=wallet_id).order_by("version")


def lines(entries: LedgerQuerySet, form: str) -> Iterator[str]:
    """The file, line by line, with one query. Read it inside `one_snapshot()`."""
    yield from HEADS[form]
    yield from FORMATS[form](entries.values_list(*COLUMNS).iterator(CHUNK))


async def parts(*, wallet_id: UUID, from_version: int, form: str) -> AsyncIterator[str]:
    """The file of one wallet in parts, each read by its own query, up to the newest version.

    For streaming over ASGI, which would read a plain iterator to its end before the first byte.
    Entries never change, so parts that are read at different times fit together.
    """
    entries = select(wallet_id=wallet_id, from_version=from_version)
    newest = (await entries.order_by().aaggregate(newest=Max("version")))["newest"] or 0

    def part(after: int) -> str:
        rows = entries.filter(version__gt=after, version__lte=min(after + CHUNK, newest))
        return "".join(FORMATS[form](rows.values_list(*COLUMNS)))

    yield "".join(HEADS[form])
    for after in range(from_version - 1, newest, CHUNK):
        yield await sync_to_async(part)(after)


def _csv(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    line = StringIO()
    writer = csv.writer(line)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _ndjson(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    for row in rows:
        values = {name: _plain(value) for name, value in zip(COLUMNS, row, strict=True)}
        yield json.dumps(values, ensure_ascii=False) + "\n"


def _cell(value: object) -> object:
    """The value as a cell; a quote before text that looks like a formula keeps it from running."""
    value = _plain(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _plain(value: object) -> object:
    match value:
        case datetime():
            return isoformat(value)
        case UUID():
            return str(value)
        case _:
            return value


FORMATS: dict[str, Format] = {"csv": _csv, "ndjson": _ndjson}
HEADS = {"csv": [",".join(COLUMNS) + "\r\n"], "ndjson": []}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
