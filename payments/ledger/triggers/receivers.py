"""The triggers are dropped and installed again around migrations."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver

from payments.ledger.triggers import install as triggers


@receiver(pre_migrate)
def drop_triggers(
    sender: AppConfig, using: str, plan: Sequence[object] = (), **kwargs: object
) -> None:
    if sender.name == "payments" and plan and connections[using].vendor == "sqlite":
        triggers.drop(connections[using])


@receiver(post_migrate)
def install_triggers(sender: AppConfig, using: str, **kwargs: object) -> None:
    connection = connections[using]
    if sender.name != "payments":
        return
    if {*triggers.TABLES} <= {*connection.introspection.table_names()}:
        with transaction.atomic(using=using):
            triggers.install(connection)
