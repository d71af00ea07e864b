"""Finds the CHECKs and foreign keys of the ledger's tables that the database does not keep.

Migrations make them; nothing puts them back but hands. Looked for by name, or by column: whether
one was reworded is not compared.
"""

from __future__ import annotations

import re

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import CheckConstraint

from payments.ledger.models import LedgerEntry, LedgerSeal, Wallet

MODELS = (Wallet, LedgerEntry, LedgerSeal)
TABLES = [model._meta.db_table for model in MODELS]
SQLITE_CHECK = re.compile(r'CONSTRAINT "(\w+)" CHECK')


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """CHECKs by name and foreign keys as `table.column`: absent, not validated or switched off."""
    with connection.cursor() as cursor:
        read = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
        present = read(cursor)
    return [name for name in _wanted() if name not in present]


def _wanted() -> list[str]:
    found = []
    for model in MODELS:
        checks = (c for c in model._meta.constraints if isinstance(c, CheckConstraint))
        found += [check.name for check in checks]
        keys = (field for field in model._meta.concrete_fields if field.is_relation)
        found += [f"{model._meta.db_table}.{field.column}" for field in keys]
    return found


def _on_sqlite(cursor: CursorWrapper) -> set[str]:
    """Two queries."""
    cursor.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name IN (%s, %s, %s)", TABLES
    )
    checks = {name for (sql,) in cursor.fetchall() for name in SQLITE_CHECK.findall(sql)}
    cursor.execute(
        "SELECT m.name || '.' || f.\"from\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f"
        " WHERE m.type = 'table' AND m.name IN (%s, %s, %s)",
        TABLES,
    )
    return checks | {name for (name,) in cursor.fetchall()}


def _on_postgresql(cursor: CursorWrapper) -> set[str]:
    """One query. The triggers behind a foreign key may be switched off one by one."""
    cursor.execute(
        "SELECT CASE k.contype WHEN 'c' THEN k.conname ELSE c.relname || '.' || a.attname END"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
        " WHERE k.contype IN ('c', 'f') AND k.convalidated AND c.relname IN (%s, %s, %s)"
        " AND c.relnamespace = current_schema()::regnamespace AND NOT EXISTS ("
        "SELECT 1 FROM pg_trigger t"
        " WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))",
        TABLES,
    )
    return {name for (name,) in cursor.fetchall()}
