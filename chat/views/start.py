"""Starts a chat with its first message: at once for signed-in people, after sign-up for others.

What was typed goes the way of every message: the reply is asked for, and its tokens are held. A
message that is refused waits in the composer, with the reason.
"""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID, uuid5

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat.characters.models import Character
from chat.conversations.chats import create_chat
from chat.conversations.models import Chat
from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.replies.start import start_detached
from chat.views.characters import character_page, visible_character
from chat.views.pending import (
    Draft,
    PendingStart,
    forget_start,
    keep_draft,
    keep_start,
    pending_start,
)
from intellispark.accounts.languages import requested_language
from intellispark.accounts.models import User
from intellispark.accounts.requests import current_user
from intellispark.api.errors import DomainError, NotFound
from intellispark.api.idempotency import form_key


@require_http_methods(["GET", "HEAD", "POST"])
async def start_chat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """POST starts the chat, or keeps it in the session and leads to sign-up. Sign-up leads back
    here with a GET, which starts the kept chat; without one, GET leads to the character.

    One form makes one chat and sends one message, however often it comes.
    """
    opened = await sync_to_async(_open)(request, pk)
    if isinstance(opened, HttpResponse):
        return opened
    chat, start = opened
    refusal = await _send(request, chat, start) if start["message"] else None
    await sync_to_async(_settle)(request, chat, start, refusal)
    return redirect(chat)


def _open(request: HttpRequest, pk: UUID) -> HttpResponse | tuple[Chat, PendingStart]:
    """The chat, and what is to be said in it; or the answer that leads elsewhere."""
    shown = visible_character(request, pk)
    if request.method == "POST":
        return _asked(request, shown)
    pending = pending_start(request)
    if request.method == "HEAD" or not request.user.is_authenticated:
        return redirect(shown)
    if pending is None or pending["character"] != str(shown.pk):
        return redirect(shown)
    return _create(current_user(request), shown, key=pending["key"]), pending


def _asked(request: HttpRequest, shown: Character) -> HttpResponse | tuple[Chat, PendingStart]:
    message = request.POST.get("message", "").replace("\r\n", "\n").strip()
    if len(message) > MESSAGE_MAX_CHARS:
        error = _("Please keep it under %(n)d characters.") % {"n": MESSAGE_MAX_CHARS}
        return character_page(request, shown, message=message, error=error, status=422)
    # The back button may bring the form with its old key: another text is another chat.
    key = str(uuid5(UUID(form_key(request)), message))
    start = PendingStart(character=str(shown.pk), message=message, key=key)
    if request.user.is_authenticated:
        return _create(current_user(request), shown, key=key), start
    keep_start(request, start)
    back = reverse("start-chat", args=[shown.pk])
    return redirect(f"{reverse('account_signup')}?{urlencode({'next': back})}")


def _create(user: User, shown: Character, *, key: str) -> Chat:
    """The chat of that key; a new one if that was deleted since."""
    try:
        return create_chat(user=user, character_id=shown.pk, key=key)
    except NotFound:
        return create_chat(user=user, character_id=shown.pk)


async def _send(request: HttpRequest, chat: Chat, start: PendingStart) -> DomainError | None:
    """Begin the reply to the first message. Why not, if it was refused."""
    try:
        await start_detached(
            user=current_user(request),
            chat_id=chat.pk,
            body={"content": start["message"]},
            key=start["key"],
            language=requested_language(request),
        )
    except DomainError as refusal:
        return refusal
    return None


def _settle(
    request: HttpRequest, chat: Chat, start: PendingStart, refusal: DomainError | None
) -> None:
    """Write into the session what is left to do. Only now: before, a retry starts all of it."""
    forget_start(request)
    if refusal is not None:
        draft = Draft(text=start["message"], code=refusal.code, reason=str(refusal.detail))
        keep_draft(request, chat_id=chat.pk, draft=draft)
