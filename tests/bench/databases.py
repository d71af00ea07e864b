"""Databases of the benchmarks' own: made, filled through the ledger, and dropped."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.support import engines

ROOT = Path(__file__).parents[2]


def environment(url: str) -> dict[str, str]:
    """The project's own settings, as in production, on that database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "intellispark.settings",
        "DEBUG": "0",
        "SECRET_KEY": "for-measurements-only-0123456789-0123456789",
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": url,
        "REDIS_URL": engines.redis_url(),
    }


@contextmanager
def postgres(name: str, *, template: str = "", durable: bool = False) -> Iterator[str]:
    """The URL of a new database with funded wallets, or of a copy of another one.

    Unless it is `durable`, as money must be in production, its commits do not wait for the disk
    (`synchronous_commit` off): that wait, the same for all contenders, hides the work.
    """
    with empty_postgres(name, template=template, durable=durable) as url:
        if not template:
            _fill(url)
        yield url


@contextmanager
def empty_postgres(name: str, *, template: str = "", durable: bool = False) -> Iterator[str]:
    admin = engines.postgres_url()
    database = f"bench_intellispark_{name}"
    quoted = sql.Identifier(database)
    source = sql.Identifier(urlsplit(template).path[1:] or "template1")
    with psycopg.connect(admin, autocommit=True) as connection:
        for statement in (
            "DROP DATABASE IF EXISTS {0} WITH (FORCE)",
            "CREATE DATABASE {0} TEMPLATE {1}",
            f"ALTER DATABASE {{0}} SET synchronous_commit = {'on' if durable else 'off'}",
        ):
            connection.execute(sql.SQL(statement).format(quoted, source))
    try:
        yield urlunsplit(urlsplit(admin)._replace(path=f"/{database}"))
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


@contextmanager
def sqlite() -> Iterator[str]:
    """The URL of a new SQLite file with funded wallets."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        _fill(url)
        yield url


def _fill(url: str) -> None:
    for command in (["manage.py", "migrate", "--verbosity", "0"], ["-m", "tests.bench.seed"]):
        subprocess.run([sys.executable, *command], env=environment(url), cwd=ROOT, check=True)
