"""Template variables of every page: the recent chats, and what a reply costs."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chat.conversations.models import Chat
from chat.replies.providers.registry import get_provider

RECENT_CHATS = 8


def sidebar(request: HttpRequest) -> dict[str, object]:
    """`recent_chats` (two queries, when a page shows them), the model, and the price of a reply."""
    provider = get_provider()
    found: dict[str, object] = {
        "ai_is_demo": settings.AI_PROVIDER == "demo",
        "price_tokens": provider.price_tokens,
        "model_label": provider.model,
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        found["recent_chats"] = SimpleLazyObject(
            lambda: list(Chat.objects.owned_by(user).with_last_message()[:RECENT_CHATS])
        )
    return found
