"""Generations: how replies went, what they cost, why they failed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.replies.models import Generation
from intellispark.readonly_admin import ReadOnlyAdmin


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "user",
        "status",
        "provider",
        "model",
        "price_tokens",
        "error_code",
        "finished_at",
    )
    list_filter = ("status", "provider", "error_code", "created_at")
    list_select_related = ("user",)
    search_fields = ("id", "chat__id", "user__username", "=user__email", "op")
    search_help_text = _("Id, chat, username, full e-mail or client key")
    ordering = ("-created_at",)
    fields = (
        ("id", "in_chat", "user"),
        ("status", "created_at", "finished_at"),
        ("provider", "model", "price_tokens"),
        ("hold", "capture", "op"),
        ("prompt_tokens", "completion_tokens", "estimated"),
        ("error_code", "retry_after_secs"),
        "error_detail",
        ("owner", "lease_expires_at", "stop_requested_at"),
    )

    @admin.display(description=_("chat"))
    def in_chat(self, generation: Generation) -> UUID:
        """The chat's id, not its title: the title may quote the person."""
        return generation.chat_id
