"""Puts the ledger's triggers into the database, and finds those that are missing.

They stand in `postgresql.sql` and `sqlite.sql` beside this file, and are installed after every
migrate, whatever was there before. SQLite changes a table by rebuilding it, which silently drops
its triggers and fails on those of other tables that name it: so there they are dropped before
migrations run.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

TABLES = ("payments_wallet", "payments_ledgerentry", "payments_ledgerseal")
ABSENT = ("", False)
TRIGGER = re.compile(r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+).*", re.MULTILINE | re.DOTALL)
BODY = re.compile(r"\$body\$(.*)\$body\$", re.DOTALL)


@cache
def statements(vendor: str) -> list[str]:
    """The SQL statements of that engine, in order."""
    text = Path(__file__).with_name(f"{vendor}.sql").read_text()
    return [part.strip() for part in text.split("-- statement\n")[1:]]


@cache
def trigger_names(vendor: str) -> list[str]:
    return [found[1] for sql in statements(vendor) if (found := TRIGGER.search(sql))]


def install(connection: BaseDatabaseWrapper) -> None:
    """Install all; does nothing where they all stand. Needs the tables and a transaction."""
    if not missing(connection):
        return
    drop(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            before, ours = _search_paths(cursor)
            cursor.execute("SELECT set_config('search_path', %s, true)", [ours])
        for sql in statements(connection.vendor):
            cursor.execute(sql)
        if connection.vendor == "postgresql":
            cursor.execute("SELECT set_config('search_path', %s, true)", [before])


def drop(connection: BaseDatabaseWrapper) -> None:
    """Drop all. For migrations on SQLite, and for tests that must empty the tables."""
    with connection.cursor() as cursor:
        for name, (table, _) in _present(cursor, connection.vendor).items():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of those that are absent, switched off, or worded otherwise than here."""
    with connection.cursor() as cursor:
        present = _present(cursor, connection.vendor)
    return [name for name in trigger_names(connection.vendor) if not present.get(name, ABSENT)[1]]


def _present(cursor: CursorWrapper, vendor: str) -> dict[str, tuple[str, bool]]:
    """Every trigger on our tables: its table, and whether it is on and worded as in our file."""
    wanted = {*statements(vendor)}
    if vendor == "sqlite":
        cursor.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name IN (%s, %s, %s)",
            TABLES,
        )
        return {name: (table, sql.strip() in wanted) for name, table, sql in cursor.fetchall()}
    path = [f"search_path={_search_paths(cursor)[1]}"]
    cursor.execute(
        "SELECT t.tgname, c.relname, t.tgenabled IN ('O', 'A'), p.proconfig,"
        " pg_get_triggerdef(t.oid, true), p.prosrc FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND c.relname IN (%s, %s, %s)"
        " AND c.relnamespace = current_schema()::regnamespace",
        TABLES,
    )
    bodies = {found[1] for sql in wanted if (found := BODY.search(sql))}
    triggers = {_one_line(found[0]) for sql in wanted if (found := TRIGGER.search(sql))}
    return {
        name: (
            table,
            on and config == path and _one_line(worded) in triggers and body in bodies,
        )
        for name, table, on, config, worded, body in cursor.fetchall()
    }


def _search_paths(cursor: CursorWrapper) -> tuple[str, str]:
    """The session's, and that of our functions."""
    cursor.execute(
        "SELECT current_setting('search_path'), quote_ident(current_schema()) || ', pg_temp'"
    )
    before, ours = cursor.fetchone()
    return before, ours


def _one_line(sql: str) -> str:
    return " ".join(sql.split())
