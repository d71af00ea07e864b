"""The wallet: what the ledger entries of one person add up to."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class WalletManager(models.Manager["Wallet"]):
    def for_user(self, user_id: UUID) -> Wallet:
        """The person's wallet, made on the spot where an account came without one.

        One query when it exists. Safe when two first requests race: the primary key is the user.
        """
        wallet = self.filter(pk=user_id).first()
        if wallet is None:
            self.get_or_create(user_id=user_id)
            wallet = self.get(pk=user_id)  # the welcome tokens that came with it have moved it
        return wallet


class Wallet(models.Model):
    """A person's tokens. Moved by the database's own trigger, never by Python.

    Amounts are whole tokens. `balance` is the sum of the entries' amounts, `held` the sum of
    their held changes, `version` their number. `epoch` rises when a wallet is restored from a
    backup, so that clients drop what they had seen.

    `next_expiry` is when lots must be looked at next: from then on the database refuses to let
    tokens out until they were settled. `overdue_since` is the date of tokens that open holds
    keep beyond it; the end of a hold brings `next_expiry` back to it. See docs/ledger.md.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="wallet",
        verbose_name=_("user"),
    )
    balance = models.BigIntegerField(_("balance"), default=0)
    held = models.BigIntegerField(_("reserved"), default=0)
    version = models.BigIntegerField(_("version"), default=0)
    epoch = models.IntegerField(_("epoch"), default=1)
    next_expiry = models.DateTimeField(_("next expiry"), null=True, blank=True, editable=False)
    overdue_since = models.DateTimeField(_("overdue since"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = WalletManager()

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        indexes = [
            # Read by housekeeping: the wallets that are due.
            models.Index(
                fields=["next_expiry"],
                name="payments_wallet_next_expiry",
                condition=Q(next_expiry__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Whose it is: what it holds would be out of date in the admin's log."""
        return str(self.user)

    @property
    def available(self) -> int:
        return max(0, self.balance - self.held)

    @property
    def debt(self) -> int:
        return max(0, self.held - self.balance)
