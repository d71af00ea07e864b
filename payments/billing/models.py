"""Purchases: a pack, its price at that moment, and the state of the payment."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def owned_by(self, user: User) -> "PurchaseQuerySet":
        """Only the person's own: every lookup by id for a client goes through here."""
        return self.filter(user=user)

    def locked(self) -> "PurchaseQuerySet":
        """Locks the rows until the transaction ends; foreign keys to them can still be checked.

        SQLite ignores it: there a transaction takes the only write lock when it begins.
        """
        return self.select_for_update(no_key=True, of=("self",))


class Purchase(models.Model):
    """Tokens bought. Tokens and price are copied from the catalogue, never from the client.

    `price_cents` is in minor units of `currency` (ISO 4217). `entry` is the ledger entry that
    credited it: at most one, because the entry's key is made of this purchase's id. What each
    status means, and which one follows, stands in docs/payments.md.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")
        REFUNDED = "refunded", _("Refunded")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="purchases",
        verbose_name=_("user"),
    )
    pack = models.CharField(_("pack"), max_length=40)
    tokens = models.PositiveIntegerField(_("tokens"))
    price_cents = models.PositiveIntegerField(_("price in cents"))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    gateway = models.CharField(_("gateway"), max_length=20)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    entry = models.OneToOneField(
        "payments.LedgerEntry",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ledger entry"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(tokens__gt=0), name="payments_purchase_tokens"),
            # A purchase has an entry exactly when it was credited.
            models.CheckConstraint(
                condition=(
                    Q(status__in=["paid", "refunded"], entry__isnull=False)
                    | Q(status__in=["pending", "failed", "expired"], entry__isnull=True)
                ),
                name="payments_purchase_credited",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pack} ({self.status})"
