"""Messages of a chat."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MESSAGE_MAX_CHARS = 10_000


class MessageQuerySet(models.QuerySet["Message"]):
    def with_receipts(self) -> MessageQuerySet:
        """With the generation that wrote each, and its capture: one query."""
        return self.select_related("generation__capture")

    def said_last(self) -> MessageQuerySet:
        """Those with text, newest first; lists of chats show the first one."""
        return self.exclude(content="").order_by("-number")


class Message(models.Model):
    """One message. `parent` is the user's message that an assistant's message answers.

    `content_html` is a reply as the renderer of `html_version` made it, once, when the reply had
    ended; what people write is shown as they typed it and has none. `cut_by` says what ended a
    reply before its time, where its status does not.
    """

    class Role(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")

    class Status(models.TextChoices):
        COMPLETE = "complete", _("Complete")
        STREAMING = "streaming", _("Streaming")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")
        INTERRUPTED = "interrupted", _("Interrupted")

    class CutBy(models.TextChoices):
        LENGTH = "length", _("Length limit")
        CONTENT_FILTER = "content_filter", _("Content filter")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(
        "chat.Chat", on_delete=models.CASCADE, related_name="messages", verbose_name=_("chat")
    )
    number = models.PositiveIntegerField(_("number"))
    role = models.CharField(_("role"), max_length=10, choices=Role)
    content = models.TextField(_("content"), blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.COMPLETE)
    # The database has the defaults too: a process of the version before writes rows without them.
    content_html = models.TextField(_("content as HTML"), blank=True, default="", db_default="")
    html_version = models.PositiveSmallIntegerField(_("renderer"), default=0, db_default=0)
    cut_by = models.CharField(
        _("cut by"), max_length=14, choices=CutBy, blank=True, default="", db_default=""
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="answers",
        verbose_name=_("answers"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["chat", "number"], name="chat_message_number_once"),
            models.CheckConstraint(
                condition=Q(role="assistant") | Q(status="complete"), name="chat_message_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.number}"
