"""Lifts the ledger's laws, for tests that must empty the tables or break a row on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from payments import laws


@contextmanager
def lifted_laws() -> Iterator[None]:
    laws.lift(connection)
    try:
        yield
    finally:
        with transaction.atomic():
            laws.install(connection)
