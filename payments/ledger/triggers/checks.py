"""A system check that fails when the database lacks a trigger or constraint of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.checks import CheckMessage, Error, register
from django.db import connections

from payments.ledger.triggers import install as triggers
from payments.ledger.triggers import missing_constraints as constraints


def missing_triggers(alias: str = "default") -> list[str]:
    """The triggers that are not as they should be; empty when all is well. One query."""
    return triggers.missing(connections[alias])


def missing_constraints(alias: str = "default") -> list[str]:
    """The same of the CHECKs and foreign keys. One query, two on SQLite."""
    return constraints.missing(connections[alias])


@register("ledger")
def ledger_triggers(
    *, databases: Sequence[str] | None = None, **kwargs: object
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or []:
        if "payments_ledgerentry" not in connections[alias].introspection.table_names():
            continue  # not migrated yet
        found += [
            Error(
                f"The ledger's trigger {name} is not in the database {alias}.",
                hint="Run migrate: it installs the triggers.",
                id="payments.E001",
            )
            for name in missing_triggers(alias)
        ]
        found += [
            Error(
                f"The ledger's constraint {name} is not in the database {alias}.",
                hint="Run migrate. Where that was done, somebody has dropped the constraint.",
                id="payments.E002",
            )
            for name in missing_constraints(alias)
        ]
    return found
