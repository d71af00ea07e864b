"""Chats: whose, with which character, since when, how many messages. Never what was said."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.conversations.models import Chat
from intellispark.readonly_admin import ReadOnlyAdmin


@admin.register(Chat)
class ChatAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "with_character", "language", "message_count", "updated_at")
    list_filter = ("language", "updated_at")
    list_select_related = ("user", "character")
    search_fields = ("id", "user__username", "=user__email")
    search_help_text = _("Id, username or full e-mail")
    ordering = ("-updated_at",)
    fields = (
        "id",
        "user",
        "with_character",
        "language",
        "message_count",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        return super().get_queryset(request).prefetch_related("character__texts")

    @admin.display(description=_("character"))
    def with_character(self, chat: Chat) -> str:
        """Its name, unless it is private: then the person wrote that, too."""
        character = chat.character
        return str(character) if character.is_public else str(character.pk)
