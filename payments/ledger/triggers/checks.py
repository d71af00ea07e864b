"""A system check that fails when a law of the ledger is missing from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db import connections

from payments.ledger.triggers import install as triggers


def missing_triggers(alias: str = "default") -> list[str]:
    """Laws that the database does not keep now; empty when all is well. One query."""
    return triggers.missing(connections[alias])


@register("ledger")
def ledger_triggers(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if "payments_ledgerentry" not in connection.introspection.table_names():
            continue  # not migrated yet
        found += [
            Error(
                f"The ledger's law {name} is not in the database {alias}.",
                hint="Run migrate: it installs the laws.",
                id="payments.E001",
            )
            for name in triggers.missing(connection)
        ]
    return found
