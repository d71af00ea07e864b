"""A new account gets a wallet, and a new wallet its welcome tokens."""

from __future__ import annotations

from django.conf import settings
from django.db.models.signals import post_save
from django.dispatch import receiver

from intellispark.accounts.models import User
from payments.ledger import operations as ledger
from payments.ledger.models import Wallet


@receiver(post_save, sender=User)
def open_wallet(instance: User, created: bool, raw: bool, **kwargs: object) -> None:
    """A wallet is made with its account, in the same transaction where there is one."""
    if created and not raw:
        Wallet.objects.for_user(instance.pk)


@receiver(post_save, sender=Wallet)
def grant_welcome(instance: Wallet, created: bool, raw: bool, **kwargs: object) -> None:
    """The welcome tokens. Their key makes it once per account, whatever races."""
    if created and not raw and settings.WELCOME_TOKENS:
        ledger.grant(
            wallet_id=instance.pk,
            tokens=settings.WELCOME_TOKENS,
            key="welcome",
            description="Welcome tokens",
        )
