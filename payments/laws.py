"""Puts the laws of the ledger into the database, and finds those that are missing.

The laws are triggers (`payments/sql/*.sql`). They are installed after every migrate, whatever
was there before. SQLite changes a table by rebuilding it, which silently drops its triggers and
fails on those of other tables that name it: so there they are lifted while migrations run.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("payments_wallet", "payments_ledgerentry", "payments_ledgerseal")
ABSENT = ("", False)
TRIGGER = re.compile(r"^CREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER (\w+)", re.MULTILINE)


@cache
def statements(vendor: str) -> list[str]:
    """The SQL statements of that engine, in order."""
    text = (Path(__file__).parent / "sql" / f"{vendor}.sql").read_text()
    return [part.strip() for part in text.split("-- law\n")[1:]]


@cache
def trigger_names(vendor: str) -> list[str]:
    return [found[1] for sql in statements(vendor) if (found := TRIGGER.search(sql))]


def install(connection: BaseDatabaseWrapper) -> None:
    """Install every law; does nothing where they all stand. Needs the tables and a transaction."""
    if not missing(connection):
        return
    lift(connection)
    with connection.cursor() as cursor:
        for sql in statements(connection.vendor):
            cursor.execute(sql)


def lift(connection: BaseDatabaseWrapper) -> None:
    """Drop every law. For migrations on SQLite, and for tests that must empty the tables."""
    with connection.cursor() as cursor:
        for name, (table, _) in _present(cursor, connection.vendor).items():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the laws that are absent, switched off, or worded otherwise than here."""
    with connection.cursor() as cursor:
        present = _present(cursor, connection.vendor)
    return [name for name in trigger_names(connection.vendor) if not present.get(name, ABSENT)[1]]


def _present(cursor: Any, vendor: str) -> dict[str, tuple[str, bool]]:
    """Every trigger on our tables: its table, and whether it is on and worded as in our file."""
    if vendor == "sqlite":
        cursor.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name IN (%s, %s, %s)",
            TABLES,
        )
        wanted = set(statements(vendor))
        return {name: (table, sql.strip() in wanted) for name, table, sql in cursor.fetchall()}
    cursor.execute(
        "SELECT t.tgname, c.relname, t.tgenabled IN ('O', 'A'), p.prosrc FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND c.relname IN (%s, %s, %s)"
        " AND c.relnamespace = current_schema()::regnamespace",
        TABLES,
    )
    bodies = "".join(statements(vendor))
    return {name: (table, on and body in bodies) for name, table, on, body in cursor.fetchall()}
