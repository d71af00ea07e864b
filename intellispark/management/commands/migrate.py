from typing import Any

from django.core.checks.registry import registry
from django.core.management.commands import migrate


class Command(migrate.Command):
    """Django's migrate, without the check for the ledger's triggers: migrating installs them.

    Checks without a tag are left out too; `check` and `serve` run all of them.
    """

    def get_check_kwargs(self, options: dict[str, object]) -> dict[Any, Any]:
        return {**super().get_check_kwargs(options), "tags": registry.tags_available() - {"ledger"}}
