"""The first answer to each idempotency key, kept to be given again."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyKey(models.Model):
    """One client key and the first answer to it. A key is unique per user, operation and scope (a
    chat).

    The row is written in the transaction of its effect, so a refused request leaves nothing behind.
    `reference` is the id of what the request made; the state of that row gives the answer.
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

    def answer(self, status: int, response: object) -> None:
        """Store the first answer, to be given again; without a key there is no row for it."""
        self.status, self.response = status, response
        if self.key:
            # Not by `save`: the row is gone where its person closed the account meanwhile.
            row = type(self).objects.filter(pk=self.pk)
            row.update(status=self.status, response=self.response)
