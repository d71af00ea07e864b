"""The discover page, and the page of one character."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from chat.characters.models import Category, Character
from chat.conversations.markdown import render_cached
from chat.conversations.models import Chat
from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.views.pending import pending_start

PAGE_SIZE = 24
QUERY_MAX_CHARS = 80

# Values of `?category=` that sort all characters instead of filtering them.
ORDERS = {
    "popular": ("-chat_count", "position", "created_at"),
    "new": ("-created_at", "-position"),
}


@require_safe
def discover(request: HttpRequest) -> HttpResponse:
    return render(request, "chat/discover.html", discover_context(request))


def discover_context(request: HttpRequest) -> dict[str, object]:
    """The characters that `?q= &category= &page=` select. A page out of range is the last one."""
    q = request.GET.get("q", "").strip()[:QUERY_MAX_CHARS]
    shelf = request.GET.get("category", "") or "popular"
    category = "" if shelf in ORDERS else shelf
    found = (
        Character.objects.visible_to(request.user)
        .matching(q=q, category=category)
        .for_cards()
        .order_by(*ORDERS.get(shelf, ORDERS["popular"]))
    )
    return {
        "q": q,
        "shelf": shelf,
        "categories": Category.objects.all(),
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
    }


@require_safe
def character(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = visible_character(request, pk)
    pending = pending_start(request)
    typed = pending["message"] if pending and pending["character"] == str(shown.pk) else ""
    return character_page(request, shown, message=typed)


def character_page(
    request: HttpRequest, shown: Character, *, message: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """The page, with `message` in its box. `start_key` makes one chat, however often it is sent."""
    text = shown.text()
    latest = None
    if request.user.is_authenticated:
        latest = (
            Chat.objects.owned_by(request.user)
            .filter(character=shown)
            .order_by("-updated_at")
            .first()
        )
        if latest:
            latest.character = shown  # with its texts
    context = {
        "character": shown,
        "text": text,
        "opening_html": render_cached(text.opening_line),
        "description_html": render_cached(text.description),
        "latest": latest,
        "message": message,
        "error": error,
        "start_key": uuid4(),
        "message_max_chars": MESSAGE_MAX_CHARS,
        "welcome_tokens": settings.WELCOME_TOKENS,
    }
    return render(request, "chat/character.html", context, status=status)


def visible_character(request: HttpRequest, pk: UUID) -> Character:
    """A public character or the person's own; 404 for other people's private ones."""
    return get_object_or_404(Character.objects.visible_to(request.user).for_cards(), pk=pk)
