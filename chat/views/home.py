"""The front page: the landing page for visitors, the characters for signed-in people."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from chat.characters.models import Character
from chat.views.characters import discover_context
from chat.views.pending import pending_start

LANDING_CHARACTERS = 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The landing page for visitors, discover for signed-in people.

    A person who asked for a chat before signing in, and did not come straight back to it (after a
    password reset, say), is sent on to it from here.
    """
    if request.user.is_authenticated:
        pending = pending_start(request)
        if pending:
            return redirect("start-chat", pending["character"])
        return render(request, "chat/discover.html", discover_context(request))
    shown = Character.objects.visible_to(request.user).for_cards().order_by("position")
    characters = list(shown[:LANDING_CHARACTERS])
    context = {
        "characters": characters,
        "scene": characters[min(2, len(characters) - 1)] if characters else None,
        "welcome_tokens": settings.WELCOME_TOKENS,
    }
    return render(request, "chat/landing.html", context)
