"""What a person's open pages hear about replies, and the only calls that tell them.

Each is called inside the transaction that makes the change; the frame follows its commit.
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
    """A reply began to grow; `/api/generations/{generation_id}/events` streams it."""

    type: str
    chat_id: str
    generation_id: str
    message_id: str


@event("reply.finished", slot="reply", by="chat_id")
class ReplyFinished(TypedDict):
    """A reply ended, as `status` says, and its chat is the newest now. Without text it left no
    message: `message_id` is null. `preview` is what the lists say of the chat from now on: the
    start of its last message, as plain text."""

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
    """Of a settled one, with its message at hand; one query where there is none."""
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
