"""Drops the ledger's triggers, or goes around it by raw SQL, for tests that break things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from payments.ledger.triggers import install as triggers


@contextmanager
def without_triggers() -> Iterator[None]:
    triggers.drop(connection)
    try:
        yield
    finally:
        with transaction.atomic():
            triggers.install(connection)


def raw(sql: str, *params: object) -> int:
    """Run it in a transaction of its own, or a savepoint; how many rows it met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount
