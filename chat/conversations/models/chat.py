"""Chats: one person with one character."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Left
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.conversations.models.message import Message
from intellispark.accounts.models import User
from intellispark.text import PREVIEW_READS_CHARS

TITLE_MAX_CHARS = 120


class ChatQuerySet(models.QuerySet["Chat"]):
    def owned_by(self, user: User) -> ChatQuerySet:
        """Only the person's own: every lookup by id goes through here."""
        return self.filter(user=user)

    def with_last_message(self) -> ChatQuerySet:
        """Newest activity first, with the character and `last_content`, the beginning of the last
        message, loaded: two queries."""
        last = Message.objects.filter(chat=OuterRef("pk")).said_last()
        begun = last.annotate(beginning=Left("content", PREVIEW_READS_CHARS))
        return (
            self.select_related("character")
            .prefetch_related("character__texts")
            .annotate(last_content=Subquery(begun.values("beginning")[:1]))
            .order_by("-updated_at", "-created_at")
        )


class Chat(models.Model):
    """A conversation. `language` is chosen when it is made, and with it the opening line.
    `given_title` is empty until somebody renames it: it then follows the reader's language.

    `message_count` gives each message its number. It rises under the row's lock, so the numbers
    follow the order in which messages are committed. `updated_at` is the last activity.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="chats",
        verbose_name=_("user"),
    )
    character = models.ForeignKey(
        "chat.Character",
        on_delete=models.CASCADE,
        related_name="chats",
        verbose_name=_("character"),
    )
    given_title = models.CharField(
        _("title"), max_length=TITLE_MAX_CHARS, blank=True, db_column="title"
    )
    language = models.CharField(_("language"), max_length=10, default="en")
    message_count = models.PositiveIntegerField(_("messages"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last activity"), default=timezone.now)

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        # The sidebar and the list of chats: one person's, newest activity first.
        indexes = [models.Index(fields=["user", "-updated_at"], name="chat_chat_recent")]

    def __str__(self) -> str:
        """Its id: the admin shows this in titles and logs, and the title is the person's own."""
        return str(self.id)

    @property
    def title(self) -> str:
        """What somebody called it, else the character's name in the active language.

        No query when the character's texts are loaded.
        """
        return self.given_title or self.character.name

    def get_absolute_url(self) -> str:
        return reverse("chat", args=[self.pk])
