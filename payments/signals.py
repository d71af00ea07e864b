"""What follows by itself: laws after migrate, a wallet with its account, a frame with its entry."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, transaction
from django.db.models.signals import post_migrate, post_save, pre_migrate
from django.dispatch import receiver

from intellispark.accounts.models import User
from intellispark.realtime.publish import publish_on_commit
from payments import laws, ledger
from payments.balance import changed_frame
from payments.models import LedgerEntry, Wallet


@receiver(post_save, sender=User)
def open_wallet(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    """A wallet is made with its account, in the same transaction where there is one."""
    if created and not raw:
        Wallet.objects.for_user(instance.pk)


@receiver(post_save, sender=Wallet)
def grant_welcome(instance: Wallet, created: bool, raw: bool, **kwargs: Any) -> None:
    """The welcome tokens. Their key makes it once per account, whatever races."""
    if created and not raw and settings.WELCOME_TOKENS:
        ledger.grant(
            wallet_id=instance.pk,
            tokens=settings.WELCOME_TOKENS,
            key="welcome",
            description="Welcome tokens",
        )


@receiver(post_save, sender=LedgerEntry)
def publish_entry(instance: LedgerEntry, **kwargs: Any) -> None:
    """Every entry, whoever wrote it, reaches all the person's open pages after its commit."""
    publish_on_commit(instance.wallet_id, changed_frame(instance))


@receiver(pre_migrate)
def lift_laws(sender: AppConfig, using: str, plan: Any = None, **kwargs: Any) -> None:
    if sender.name == "payments" and plan and connections[using].vendor == "sqlite":
        laws.lift(connections[using])


@receiver(post_migrate)
def install_laws(sender: AppConfig, using: str, **kwargs: Any) -> None:
    connection = connections[using]
    if sender.name != "payments":
        return
    if {*laws.TABLES} <= {*connection.introspection.table_names()}:
        with transaction.atomic(using=using):
            laws.install(connection)
