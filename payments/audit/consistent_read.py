"""Lets many queries read the ledger as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """All reads inside see the same moment, and writers do not wait for them.

    On SQLite, Django's `atomic()` would take the write lock (`transaction_mode`); a deferred
    transaction reads a snapshot of the write-ahead log instead. Inside a transaction this does
    nothing, and the caller's isolation holds.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
