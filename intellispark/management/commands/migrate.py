from typing import Any

from django.core.checks.registry import registry
from django.core.management.commands import migrate

from payments.checks import LEDGER


class Command(migrate.Command):
    """Django's, which refuses where a check fails: but missing laws are what it puts in place."""

    def check(self, *args: Any, **options: Any) -> None:
        options["tags"] = sorted(registry.tags_available() - {LEDGER})
        super().check(*args, **options)
