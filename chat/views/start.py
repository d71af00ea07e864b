"""Starts a chat: at once for signed-in people, after sign-up for others; typed text is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat.characters.models import Character
from chat.conversations.chats import create_chat
from chat.conversations.models import Chat
from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.views.characters import character_page, visible_character
from chat.views.pending import PendingStart, forget_start, keep_draft, keep_start, pending_start
from intellispark.api.errors import NotFound
from intellispark.api.idempotency import form_key


@require_http_methods(["GET", "HEAD", "POST"])
def start_chat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST starts the chat, or keeps it in the session and leads to sign-up. Sign-up leads back
    here with a GET, which starts the kept chat; without one, GET leads to the character.
    """
    shown = visible_character(request, pk)
    if request.method == "POST":
        message = request.POST.get("message", "").replace("\r\n", "\n").strip()
        if len(message) > MESSAGE_MAX_CHARS:
            error = _("Please keep it under %(n)d characters.") % {"n": MESSAGE_MAX_CHARS}
            return character_page(request, shown, message=message, error=error, status=422)
        start = PendingStart(character=str(shown.pk), message=message, key=form_key(request))
        if request.user.is_authenticated:
            return _started(request, shown, start)
        keep_start(request, start)
        back = reverse("start-chat", args=[shown.pk])
        return redirect(f"{reverse('account_signup')}?{urlencode({'next': back})}")

    pending = pending_start(request)
    if request.method == "HEAD" or not request.user.is_authenticated:
        return redirect(shown)
    if pending is None or pending["character"] != str(shown.pk):
        return redirect(shown)
    return _started(request, shown, pending)


def _started(request: HttpRequest, shown: Character, start: PendingStart) -> HttpResponse:
    chat = _create(request, shown, key=start["key"])
    forget_start(request)
    if start["message"]:
        keep_draft(request, chat_id=chat.pk, text=start["message"])
    return redirect(chat)


def _create(request: HttpRequest, shown: Character, *, key: str) -> Chat:
    """The chat of that key; a new one if that was deleted since."""
    user: Any = request.user
    try:
        return create_chat(user=user, character_id=shown.pk, key=key)
    except NotFound:
        return create_chat(user=user, character_id=shown.pk)
