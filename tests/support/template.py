"""A migrated database that every worker's is a copy of.

Migrating takes each worker a second; copying takes a tenth of that. The template stays for the next
run, and is made anew when a migration or a trigger has changed.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from django import VERSION
from django.apps import apps
from django.conf import settings
from django.db import connection

from payments.ledger.triggers import install
from tests.support.locks import one_at_a_time

TEMPLATE = settings.TEST_TEMPLATE


def copy_template() -> None:
    """Make this worker's test database, whatever was there before, as a copy of the template."""
    with one_at_a_time(Path(TEMPLATE).stem):
        today = _fingerprint()
        if _signature() != today:
            _migrate_template()
            _sign(today)
        name = connection.settings_dict["TEST"]["NAME"]
        _drop(name)
        if connection.vendor == "sqlite":
            shutil.copyfile(TEMPLATE, name)
        else:
            _administer(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')


def _migrate_template() -> None:
    names, test = connection.settings_dict, connection.settings_dict["TEST"]
    own, copy = names["NAME"], test["NAME"]
    test["NAME"] = TEMPLATE
    _drop(TEMPLATE)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # nobody may be connected to what is copied
    names["NAME"], test["NAME"] = own, copy


def _fingerprint() -> int:
    """Of all that makes the tables what they are, as a number that fits into a `user_version`."""
    folders = [Path(app.path) / "migrations" for app in apps.get_app_configs()]
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    files += sorted(Path(install.__file__).parent.glob("*.*"))
    told = sha256(str(VERSION).encode())
    for file in files:
        told.update(file.read_bytes())
    return int.from_bytes(told.digest()[:3], "big")


def _signature() -> int | None:
    """The fingerprint that the template was made of; None without a template."""
    if connection.vendor == "postgresql":
        comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        found = _administer(comment, [TEMPLATE])
        return int(found[0][0]) if found and found[0][0] else None
    if not Path(TEMPLATE).exists():
        return None
    with closing(sqlite3.connect(TEMPLATE)) as file:
        version: int = file.execute("PRAGMA user_version").fetchone()[0]
    return version


def _sign(fingerprint: int) -> None:
    if connection.vendor == "postgresql":
        _administer(f"COMMENT ON DATABASE \"{TEMPLATE}\" IS '{fingerprint}'")
        return
    with closing(sqlite3.connect(TEMPLATE)) as file:
        file.execute(f"PRAGMA user_version = {fingerprint}")


def _drop(name: str) -> None:
    if connection.vendor == "postgresql":
        _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return
    for end in ("", "-wal", "-shm"):  # a log that is left would be taken for the next one's
        Path(f"{name}{end}").unlink(missing_ok=True)


def _administer(sql: str, parameters: list[str] | None = None) -> list[Any]:
    """The rows that it gives, if any. Not in the test database, which it may be about."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
