"""Django's PostgreSQL with a pool that comes through a restart of the database."""

from __future__ import annotations

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Whoever is handed a dead connection has all the idle ones looked at.

    After a restart all of them are dead. The pool's own check (`CONN_HEALTH_CHECKS`) finds them one
    by one, and waits longer after each: a request that met five of them failed.
    """

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        """A connection that answers. Raises PoolTimeout where there is none in time."""
        while True:
            connection: Connection = super().get_new_connection(conn_params)
            pool: ConnectionPool | None = self.pool
            if pool is None:
                return connection
            try:
                pool.check_connection(connection)
            except OperationalError:
                pool.putconn(connection)  # which lets it go, and connects anew
                pool.check()
            else:
                return connection
