"""Empties the tables after a test with real transactions, in one go and without DDL.

Django's way gives every table and index of PostgreSQL a new file and waits for the disk, and then
writes content types and permissions anew. Here the few rows that a test leaves are deleted, and
what `migrate` has written stays.
"""

from __future__ import annotations

from django.db import connection, transaction

from tests.support.triggers import without_triggers

BY_MIGRATE = {"django_content_type", "auth_permission"}


def empty_tables() -> None:
    """Delete every row that a test may have left, whatever triggers and foreign keys say.

    A DELETE does not see what commits after it began: on PostgreSQL whoever still writes is
    waited for, by the lock. (SQLite's transaction is the only one that writes.)
    """
    names = connection.introspection.django_table_names(only_existing=False)
    tables = [connection.ops.quote_name(name) for name in sorted(names) if name not in BY_MIGRATE]
    deletes = [f"DELETE FROM {table}" for table in tables]
    if connection.vendor == "postgresql":
        lock = f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE"
        block = "; ".join(["SET LOCAL session_replication_role = replica", lock, *deletes])
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN {block}; END $$")
        return
    with without_triggers(), transaction.atomic(), connection.cursor() as cursor:
        for delete in deletes:
            cursor.execute(delete)
