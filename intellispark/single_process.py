"""Makes sure that a process without Redis is the only one that serves its database.

The in-process channel layer reaches the sockets of its own process only: the pages of a second
process would show old balances, and nothing would say so. So a second process refuses to start.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

REFUSAL = (
    "Another process serves this database. Set REDIS_URL, so that several can share the work, "
    "or stop the other one."
)
ADVISORY_LOCK = 4_732_150_061  # any number, the same in every version

_claims: dict[str, object] = {}


def claim_database() -> None:
    """Hold this database's lock until the process ends; do nothing where there is Redis.

    Raises ImproperlyConfigured when another process has it. On SQLite the lock is a file beside
    the database, on PostgreSQL an advisory lock on a connection of its own; both end with this
    process.
    """
    name = str(connection.settings_dict["NAME"])
    if settings.REDIS_URL or name in _claims:
        return
    if connection.vendor == "sqlite":
        lock = Path(f"{name}-serving").open("w")  # noqa: SIM115  held as long as we live
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImproperlyConfigured(REFUSAL) from None
        _claims[name] = lock
        return
    params = connection.get_connection_params()
    keys = ("dbname", "user", "password", "host", "port")
    own = psycopg.connect(**{key: params[key] for key in keys if key in params}, autocommit=True)
    row = own.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone()
    if not row or not row[0]:
        raise ImproperlyConfigured(REFUSAL)
    _claims[name] = own


def is_sole() -> bool:
    """Whether this process is known to be the only one that serves its database."""
    return not settings.REDIS_URL and str(connection.settings_dict["NAME"]) in _claims
