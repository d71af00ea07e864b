"""What a person's open pages hear about their chats, and the only calls that tell them.

Each is called inside the transaction that makes the change; the frame follows its commit.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.utils import timezone

from chat.models import Chat, Generation, Message
from intellispark.api.times import isoformat
from intellispark.realtime.frames import event
from intellispark.realtime.publish import publish_on_commit
from intellispark.templatetags.format import preview


@event("chat.updated", slot="chat", by="chat_id")
class ChatUpdated(TypedDict):
    """A chat is new, has a new title, or moved to the top of the list."""

    type: str
    chat_id: str
    title: str
    character_id: str
    updated_at: str


@event("chat.deleted", slot="chat", by="chat_id")
class ChatDeleted(TypedDict):
    """A chat is gone."""

    type: str
    chat_id: str


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


def chat_updated(chat: Chat) -> None:
    payload: ChatUpdated = {
        "type": "chat.updated",
        "chat_id": str(chat.pk),
        "title": chat.title,
        "character_id": str(chat.character_id),
        "updated_at": isoformat(chat.updated_at),
    }
    publish_on_commit(chat.user_id, payload)


def chat_deleted(*, user_id: UUID, chat_id: UUID) -> None:
    payload: ChatDeleted = {"type": "chat.deleted", "chat_id": str(chat_id)}
    publish_on_commit(user_id, payload)


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
