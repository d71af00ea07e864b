"""The chat page: the server renders the newest messages, scripts do everything after that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.conversations.html import html_of
from chat.conversations.markdown import plain
from chat.conversations.messages import message_page
from chat.conversations.models import Chat, Message
from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.replies.models import Generation
from chat.views.pending import take_draft
from intellispark.accounts.requests import current_user

PAGE_MESSAGES = 30


@require_safe
@login_required
@never_cache  # the back button must not show an old conversation or an old balance
def chat_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The person's own chat; 404 for other people's. Five queries beside those of the base page.

    The reply to follow is that of the message that is shown growing, also where it ends meanwhile.
    """
    chats = Chat.objects.owned_by(current_user(request)).select_related("character")
    chat = get_object_or_404(chats.prefetch_related("character__texts"), pk=pk)
    messages, has_more = newest_messages(chat)
    growing = [one for one in messages if one.status == Message.Status.STREAMING]
    running = generation_of(growing[-1]) if growing else None
    return render(
        request,
        "chat/chat.html",
        {
            "chat": chat,
            "character": chat.character,
            "chat_messages": messages,
            "has_more": has_more,
            "running": running,
            "unanswered": "" if running or not messages else why_unanswered(messages[-1]),
            "suggestions": [] if has_user_message(messages) else chat.character.text().suggestions,
            "draft": take_draft(request, chat_id=chat.pk),
            "max_chars": MESSAGE_MAX_CHARS,
        },
    )


def newest_messages(chat: Chat) -> tuple[list[Message], bool]:
    """The last messages, oldest first, and whether there are older ones: see `message_page`.

    A user's message is shown as it was typed; a reply has `html` and `tokens_taken`. One that still
    grows is plain text, until the page's script follows it.
    """
    messages, has_more = message_page(chat=chat, limit=PAGE_MESSAGES)
    reply: Any  # a Message, to which the template's two attributes are added
    for reply in messages:
        if reply.role == Message.Role.ASSISTANT:
            reply.html = html_of(reply) or plain(reply.content)
            reply.tokens_taken = tokens_taken(reply)
    return messages, has_more


def tokens_taken(message: Message) -> int:
    """What the reply cost; 0 for an opening line, and when the hold was released."""
    generation = generation_of(message)
    return -generation.capture.amount if generation and generation.capture else 0


def generation_of(message: Message) -> Generation | None:
    """The one that writes or wrote the message: no query, it is loaded with the page."""
    return getattr(message, "generation", None)


def why_unanswered(last: Message) -> str:
    """Why there is no whole reply; empty where the last message is one, or an opening line."""
    broken_off = (Message.Status.FAILED, Message.Status.INTERRUPTED)
    if last.role == Message.Role.ASSISTANT and last.status not in broken_off:
        return ""
    asked = last.pk if last.role == Message.Role.USER else last.parent_id
    tried = Generation.objects.filter(prompt_message=asked).order_by("-created_at").first()
    if tried and tried.error:
        return str(tried.error.detail)
    return _("The last message has no complete reply.")


def has_user_message(messages: list[Message]) -> bool:
    return any(message.role == Message.Role.USER for message in messages)
