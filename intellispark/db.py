"""The database's clock: the one clock that all servers share."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection


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
