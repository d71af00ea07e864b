"""Puts the triggers of the ledger aside, or goes around it by raw SQL, for tests that break things.

Nothing is dropped: the triggers stay where they are, and for every other connection they fire.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

STEPS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE}


@contextmanager
def without_triggers() -> Iterator[None]:
    """On this connection no trigger does anything meanwhile."""
    if connection.vendor == "sqlite":
        with _compiled_to_nothing():
            yield
        return
    raw("SET session_replication_role = replica")
    try:
        yield
    finally:
        raw("SET session_replication_role = origin")


@contextmanager
def _compiled_to_nothing() -> Iterator[None]:
    """SQLite asks for leave while it compiles a statement, and leaves out what it may not do."""
    connection.ensure_connection()
    connection.connection.set_authorizer(_skip_triggers)
    try:
        yield
    finally:
        # A new authorizer has the statements that Python keeps compiled anew; None would not.
        connection.connection.set_authorizer(lambda *asked: sqlite3.SQLITE_OK)
        connection.connection.set_authorizer(None)


def _skip_triggers(
    action: int, one: str | None, two: str | None, database: str | None, trigger: str | None
) -> int:
    """`trigger` is the one whose step is being compiled, or None."""
    return sqlite3.SQLITE_IGNORE if trigger and action in STEPS else sqlite3.SQLITE_OK


def raw(sql: str, *params: object) -> int:
    """Run it in a transaction of its own, or a savepoint; how many rows it met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount
