from typing import Any

from django.core.management.commands import check
from django.db import connections


class Command(check.Command):
    """Django's check, on all databases: by default it reads none, and misses absent triggers."""

    def handle(self, *app_labels: Any, **options: object) -> None:  # the stubs say lists of str
        options["databases"] = options["databases"] or list(connections)
        super().handle(*app_labels, **options)
