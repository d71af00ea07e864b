"""The ledger entry: one line of the book, written once."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import connections, models
from django.db.models import F, Q, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from payments.ledger.models.constraints import ENTRY_CHECKS
from payments.ledger.models.wallet import Wallet


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    """Reads only: bulk writes send no `post_save`, so nobody would hear of the change."""

    def for_history(self) -> LedgerQuerySet:
        """What changed the balance, and the holds that are open now; newest first."""
        open_holds = Q(kind="hold", resolution__isnull=True)
        return self.filter(open_holds | ~Q(amount=0)).order_by("-version")

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("Ledger entries are written one by one, through payments.ledger.")

    bulk_create = bulk_update = update = delete = _refuse


class LedgerEntry(models.Model):
    """One change of a wallet. Never updated, never deleted: the database's triggers refuse it.

    `amount` moves the balance and `held_change` the reservation, both in whole tokens. `version`,
    `balance_after`, `held_after`, `epoch` and `created_at` are given by the database and are on
    the instance when `post_save` fires. `key` is our own idempotency key, unique per wallet;
    `op` is the client's key, handed on to its open pages. A grant may expire at `expires_at`;
    an expiry names the grant whose remainder it takes as its `lot`.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Grant")
        PURCHASE = "purchase", _("Purchase")
        HOLD = "hold", _("Hold")
        CAPTURE = "capture", _("Reply")
        RELEASE = "release", _("Release")
        SPEND = "spend", _("Spend")
        REFUND = "refund", _("Refund")
        ADJUSTMENT = "adjustment", _("Adjustment")
        EXPIRY = "expiry", _("Expiry")
        CLAWBACK = "clawback", _("Clawback")
        WRITE_OFF = "write_off", _("Write-off")

    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="entries",
        db_index=False,  # the unique index of versions begins with the wallet
        verbose_name=_("wallet"),
    )
    version = models.BigIntegerField(_("version"), db_default=0)
    epoch = models.IntegerField(_("epoch"), db_default=1)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    amount = models.BigIntegerField(_("amount"), default=0)
    held_change = models.BigIntegerField(_("reserved change"), default=0)
    balance_after = models.BigIntegerField(_("balance after"), db_default=0)
    held_after = models.BigIntegerField(_("reserved after"), db_default=0)
    hold = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="resolution",
        verbose_name=_("hold"),
    )
    reverses = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversal",
        verbose_name=_("reverses"),
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    # No index for all: the partial ones below hold few entries and cost a debit nothing.
    lot = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="expiries",
        db_index=False,
        verbose_name=_("lot"),
    )
    key = models.CharField(_("key"), max_length=120)
    op = models.CharField(_("client key"), max_length=80, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("actor"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = LedgerQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes = [
            # Read by the wallet's trigger and by settlement: the dates of a wallet's lots.
            models.Index(
                fields=["wallet", "expires_at"],
                name="payments_entry_expires",
                condition=Q(expires_at__isnull=False),
            ),
            # Read by the entry's trigger: what expired of a lot before.
            models.Index(fields=["lot"], name="payments_entry_lot", condition=Q(lot__isnull=False)),
            # Read when an account is to be deleted: what its admin did stays.
            models.Index(
                fields=["actor"], name="payments_entry_actor", condition=Q(actor__isnull=False)
            ),
        ]
        constraints = [
            *ENTRY_CHECKS,
            # The version index serves the history, newest first, and the proof in version order.
            models.UniqueConstraint(
                fields=["wallet", "version"], name="payments_entry_version_once"
            ),
            models.UniqueConstraint(fields=["wallet", "key"], name="payments_entry_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount or self.held_change:+d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the entry: one INSERT, which the database checks and completes."""
        if not self._state.adding:
            raise TypeError("Ledger entries are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def _do_insert(self, manager: models.Manager[LedgerEntry], using: str, *args: object) -> object:
        """SQLite's triggers cannot assign columns: the INSERT computes them, and the trigger
        demands that they match. Exact, because SQLite has one writer."""
        if connections[using].vendor == "sqlite":
            wallet = Wallet.objects.filter(pk=self.wallet_id)
            computed: dict[str, Combinable] = {
                "version": F("version") + 1,
                "epoch": F("epoch"),
                "balance_after": F("balance") + self.amount,
                "held_after": F("held") + self.held_change,
            }
            for name, value in computed.items():
                setattr(self, name, Subquery(wallet.values_list(value)))
        return super()._do_insert(manager, using, *args)  # type: ignore[misc]  # not in the stubs

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("Ledger entries are never deleted.")
