"""One statement that is run very often, without what Django and psycopg do around each.

On PostgreSQL it is prepared once for a connection and then run by one call of libpq, which
waits outside Python: a third of the client's work of `cursor.execute`. Inside a transaction,
where somebody watches the statements, and on other engines, it takes the usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Connection, abc, errors, pq
from psycopg.adapt import AdaptersMap, PyFormat, Transformer

NAME = b"payments_prepared"
GONE = b"26000"  # psycopg deallocates every prepared statement after a rollback


class _Adapters:
    """What a Transformer needs of a connection, without keeping the connection alive."""

    connection = None

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters


# Of each connection that has prepared it. A Transformer looks its adapters up only once.
_prepared: WeakKeyDictionary[Connection[Any], abc.Transformer] = WeakKeyDictionary()


def fetch_one(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Sequence[Any]:
    """The one row that `sql` returns. Always the same `sql`; errors are Django's, as ever."""
    connection.ensure_connection()
    if not _may_shortcut(connection):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchone()
    with connection.wrap_database_errors:
        values = _prepared.get(connection.connection)
        if values is None:
            values = _prepare(connection.connection, sql)
        texts = values.dump_sequence(params, [PyFormat.TEXT] * len(params))
        values.set_pgresult(_run(connection.connection, sql, texts))
        return values.load_row(0, tuple) or ()


def _may_shortcut(connection: BaseDatabaseWrapper) -> bool:
    """In a transaction psycopg may owe a BEGIN, and an error could not be tried again."""
    return (
        connection.vendor == "postgresql"
        and connection.connection.autocommit
        and not (connection.queries_logged or connection.execute_wrappers)
    )


def _prepare(driver: Connection[Any], sql: str) -> abc.Transformer:
    _checked(driver.pgconn.prepare(NAME, _numbered(sql)))
    return _prepared.setdefault(driver, Transformer(_Adapters(driver.adapters)))


def _run(driver: Connection[Any], sql: str, texts: Sequence[Any]) -> pq.abc.PGresult:
    result = driver.pgconn.exec_prepared(NAME, texts)
    if result.error_field(pq.DiagnosticField.SQLSTATE) == GONE:
        _prepare(driver, sql)
        result = driver.pgconn.exec_prepared(NAME, texts)
    return _checked(result)


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise errors.error_from_result(result)
    return result


def _numbered(sql: str) -> bytes:
    """$1, $2 … for each %s. The types are those of the columns."""
    first, *rest = sql.split("%s")
    return "".join([first, *(f"${n}{part}" for n, part in enumerate(rest, 1))]).encode()
