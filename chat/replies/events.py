"""The events about replies, and the functions that publish them to the person's open pages.

Call each inside the transaction that makes the change; the frame goes out after its commit.
"""

from __future__ import annotations

from typing import TypedDict

from django.utils import timezone

from chat.conversations.models import Message
from chat.replies.models import Generation
from intellispark.api.times import isoformat
from intellispark.realtime.events import event
from intellispark.realtime.publish import publish_on_commit
from intellispark.text import preview


@event("reply.started", slot="reply", by="chat_id")
class ReplyStarted(TypedDict):
    """A reply has started; `/api/generations/{generation_id}/events` streams it."""

    type: str
    chat_id: str
    generation_id: str
    message_id: str


@event("reply.finished", slot="reply", by="chat_id")
class ReplyFinished(TypedDict):
    """A reply has ended with `status`, and its chat has the newest activity. `message_id` is null
    when the reply left no text. `preview`, for the lists of chats, is the start of the chat's
    last message as plain text."""

    type: str
    chat_id: str
    generation_id: str
    message_id: str | None
    status: str
    updated_at: str
    preview: str


def reply_started(generation: Generation) -> None:
    payload: ReplyStarted = {
        "type": "reply.started",
        "chat_id": str(generation.chat_id),
        "generation_id": str(generation.pk),
        "message_id": str(generation.message_id),
    }
    publish_on_commit(generation.user_id, payload)


def reply_finished(generation: Generation) -> None:
    """Call it with the settled generation and its message loaded; one query if it has none."""
    message = (
        generation.message or Message.objects.filter(chat=generation.chat_id).said_last().first()
    )
    payload: ReplyFinished = {
        "type": "reply.finished",
        "chat_id": str(generation.chat_id),
        "generation_id": str(generation.pk),
        "message_id": str(generation.message_id) if generation.message_id else None,
        "status": str(generation.status),
        "updated_at": isoformat(generation.finished_at or timezone.now()),
        "preview": preview(message.content if message else ""),
    }
    publish_on_commit(generation.user_id, payload)
