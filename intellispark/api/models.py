"""The answers already given to idempotency keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyKey(models.Model):
    """One client key and the first answer to it, scoped to user + operation + scope (a chat).

    Written in the transaction of the effect it belongs to, so that a refused request leaves
    nothing behind. `reference` is the id of what the request made, whose state gives the answer.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    operation = models.CharField(_("operation"), max_length=40)
    scope = models.CharField(_("scope"), max_length=40, blank=True)
    key = models.CharField(_("key"), max_length=80)
    body_hash = models.CharField(_("hash of the body"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    response = models.JSONField(_("answer"), null=True, encoder=DjangoJSONEncoder)
    reference = models.CharField(_("reference"), max_length=40, blank=True)
    # The index is read by the daily purge.
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "operation", "scope", "key"], name="api_idempotencykey_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"

    @property
    def resource_id(self) -> UUID:
        """The id of what the request made."""
        return UUID(self.reference)

    def answer(self, status: int, response: Any) -> None:
        """Keep the first answer, to be given again; without a key nobody could ask for it."""
        self.status, self.response = status, response
        if self.key:
            self.save(update_fields=["status", "response"])
