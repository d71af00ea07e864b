"""The seal of a ledger entry: a hash that also covers everything before it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LedgerSeal(models.Model):
    """What the entry with that version, and all before it, looked like at `created_at`.

    `digest` is the SHA-256 of the previous digest and the entry (payments/audit/seals.py). One
    for each sealed entry, so that a difference can be named to the version.
    """

    wallet = models.ForeignKey(
        "payments.Wallet", on_delete=models.PROTECT, related_name="seals", verbose_name=_("wallet")
    )
    version = models.BigIntegerField(_("version"))
    digest = models.BinaryField(_("digest"), max_length=32)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("ledger seal")
        verbose_name_plural = _("ledger seals")
        constraints = [
            models.UniqueConstraint(fields=["wallet", "version"], name="payments_seal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.wallet_id} {self.version}"
