from typing import Any

from django.core.checks.registry import registry
from django.core.management.commands import migrate

from payments.ledger.triggers.checks import ledger_triggers


class Command(migrate.Command):
    """Django's, which refuses where a check fails: but missing laws are what it puts in place."""

    def check(self, *args: Any, **options: Any) -> None:
        # Not by tags: checks without one, Django's and ours, would be left out with it.
        every = registry.registered_checks
        registry.registered_checks = {check for check in every if check is not ledger_triggers}
        try:
            super().check(*args, **options)
        finally:
            registry.registered_checks = every
