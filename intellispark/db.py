"""The database: its clock, the one that all servers share, and rows that go in small steps.

No two machines agree on the time. Where seconds count, or money, a row is dated and compared by the
database's clock, inside of the query (`from_now`, `ago`), not by that of the process that asks.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import DateTimeField, ExpressionWrapper, Model, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

M = TypeVar("M", bound=Model)

BATCH_ROWS = 500
MOST_BATCHES = 20  # of one call: housekeeping comes again in seconds


def is_outage(error: OperationalError | InterfaceError) -> bool:
    """Whether the database was away or too busy, and not at odds with the statement.

    PostgreSQL has other classes for mistakes of ours; SQLite calls a missing table the same.
    """
    code: int | None = getattr(error.__cause__, "sqlite_errorcode", None)
    return code != sqlite3.SQLITE_ERROR


def database_now() -> datetime:
    """The time now, as the triggers see it: one query. It moves on within a transaction."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')"
            if is_sqlite
            else "SELECT clock_timestamp()"
        )
        (now,) = cursor.fetchone()
    return datetime.fromisoformat(now).replace(tzinfo=UTC) if is_sqlite else now


def from_now(time: timedelta) -> Combinable:
    """For a query: that long after the statement begins, by the database's clock."""
    return ExpressionWrapper(Now() + time, output_field=DateTimeField())


def ago(time: timedelta) -> Combinable:
    """For a query: that long before the statement begins, by the database's clock."""
    return from_now(-time)


def sql_of_ago(time: timedelta) -> str:
    """The same as `ago`, where a statement is written by hand."""
    secs = int(time.total_seconds())
    if connection.vendor == "sqlite":  # six digits after the seconds, as Django writes them
        return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW', '-{secs} seconds')"
    return f"STATEMENT_TIMESTAMP() - INTERVAL '{secs} seconds'"


def delete_in_batches(rows: QuerySet[M]) -> int:
    """Delete these rows, each batch in a transaction of its own; how many of them went.

    So nobody waits long for a lock, and a pass that finds millions takes some of them.
    """
    count = 0
    for _ in range(MOST_BATCHES):
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
        rows.model._default_manager.filter(pk__in=keys).delete()
        count += len(keys)
        if len(keys) < BATCH_ROWS:
            break
    return count
