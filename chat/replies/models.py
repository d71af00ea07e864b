"""Generations: one attempt at a reply, and the tokens held for it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from chat.errors import REPLY_ERRORS, ProviderFailed, ReplyError
from intellispark.accounts.models import User


class GenerationQuerySet(models.QuerySet["Generation"]):
    def owned_by(self, user: User) -> GenerationQuerySet:
        """Only the person's own: every lookup by id goes through here."""
        return self.filter(user=user)

    def running(self) -> GenerationQuerySet:
        return self.filter(status=Generation.Status.RUNNING)

    def lapsed(self) -> GenerationQuerySet:
        """Running by their row, but with a lease that was not renewed in time."""
        return self.running().filter(lease_expires_at__lt=Now())

    def with_outcome(self) -> GenerationQuerySet:
        """With the message and all ledger entries loaded: one query."""
        return self.select_related("message", "capture", "hold__resolution")


class Generation(models.Model):
    """One attempt at a reply. The row is the truth; the task that writes it can die at any time.

    While `status` is running, `owner` (a process) has the lease until `lease_expires_at`; only the
    owner of a running row may finish it. `hold` reserves `price_tokens`; `capture` is the entry
    that charged them, and empty when nothing was charged.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        COMPLETE = "complete", _("Complete")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")
        INTERRUPTED = "interrupted", _("Interrupted")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(
        "chat.Chat", on_delete=models.CASCADE, related_name="generations", verbose_name=_("chat")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    prompt_message = models.ForeignKey(
        "chat.Message",
        on_delete=models.CASCADE,
        related_name="generations",
        verbose_name=_("answered message"),
    )
    message = models.OneToOneField(
        "chat.Message",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="generation",
        verbose_name=_("reply"),
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RUNNING)
    provider = models.CharField(_("provider"), max_length=20)
    model = models.CharField(_("model"), max_length=120)
    language = models.CharField(_("language"), max_length=10)
    price_tokens = models.PositiveIntegerField(_("price"))
    op = models.CharField(_("client key"), max_length=80, blank=True)
    hold = models.OneToOneField(
        "payments.LedgerEntry",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("hold"),
    )
    capture = models.OneToOneField(
        "payments.LedgerEntry",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("capture"),
    )
    owner = models.CharField(_("process"), max_length=40)
    lease_expires_at = models.DateTimeField(_("lease expires at"))
    stop_requested_at = models.DateTimeField(_("stop requested at"), null=True)
    prompt_tokens = models.PositiveIntegerField(_("tokens of the prompt"), null=True)
    completion_tokens = models.PositiveIntegerField(_("tokens of the reply"), null=True)
    estimated = models.BooleanField(_("estimated"), default=False)
    error_code = models.CharField(_("error code"), max_length=40, blank=True)
    error_detail = models.CharField(_("error"), max_length=300, blank=True)
    retry_after_secs = models.PositiveIntegerField(_("retry after (seconds)"), null=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        verbose_name = _("generation")
        verbose_name_plural = _("generations")
        constraints = [
            # One running reply per chat; read by every start and by the recovery of orphans.
            models.UniqueConstraint(
                fields=["chat"], condition=Q(status="running"), name="chat_generation_one_running"
            )
        ]
        indexes = [
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status="running"),
                name="chat_generation_lapsed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @property
    def error(self) -> ReplyError | None:
        """Why there is no complete reply, or None."""
        if self.status not in (self.Status.FAILED, self.Status.INTERRUPTED):
            return None
        kind = REPLY_ERRORS.get(self.error_code, ProviderFailed)
        return kind(retry_after=self.retry_after_secs)
