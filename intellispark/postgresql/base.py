"""Django's PostgreSQL with pools that come through a restart of the database."""

from __future__ import annotations

from django.db.backends.postgresql import base
from django.utils.functional import cached_property
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

from intellispark import threads

OURS = ":threads"


class DatabaseWrapper(base.DatabaseWrapper):
    """Two pools: pages that wait take no connection from sockets, replies and balances.

    Whoever is handed a dead connection has all the idle ones looked at. After a restart all of them
    are dead. The pool's own check (`CONN_HEALTH_CHECKS`) finds them one by one, and waits longer
    after each: a request that met five of them failed.
    """

    @property
    def pool(self) -> ConnectionPool | None:
        """That of this thread's kind; None where the settings name no pool."""
        twin = self._twin if threads.is_ours() else None
        found: ConnectionPool | None = twin.pool if twin else super().pool
        return found

    def close_pool(self) -> None:
        if twin := self._twin:
            twin.close_pool()
        super().close_pool()

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        """A connection that answers. Raises PoolTimeout where there is none in time."""
        while True:
            connection: Connection = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None:
                return connection
            try:
                pool.check_connection(connection)
            except OperationalError:
                pool.putconn(connection)  # which lets it go, and connects anew
                pool.check()
            else:
                return connection

    @cached_property
    def _twin(self) -> DatabaseWrapper | None:
        """The same database under the name that the threads' pool is kept by."""
        if self.alias.endswith(OURS):
            return None
        return DatabaseWrapper(self.settings_dict, f"{self.alias}{OURS}")
