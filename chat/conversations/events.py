"""The events about chats, and the functions that publish them to the person's open pages.

Call each inside the transaction that makes the change; the frame goes out after its commit.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from chat.conversations.models import Chat
from intellispark.api.times import isoformat
from intellispark.realtime.events import event
from intellispark.realtime.publish import publish_on_commit


@event("chat.updated", slot="chat", by="chat_id")
class ChatUpdated(TypedDict):
    """A chat is new, has a new title, or moved to the top of the list.

    `title_given` says whether somebody gave it the title. Else it is the character's name in the
    language of the request, which need not be that of a page that hears of it.
    """

    type: str
    chat_id: str
    title: str
    title_given: bool
    character_id: str
    updated_at: str


@event("chat.deleted", slot="chat", by="chat_id")
class ChatDeleted(TypedDict):
    """A chat is gone."""

    type: str
    chat_id: str


def chat_updated(chat: Chat) -> None:
    payload: ChatUpdated = {
        "type": "chat.updated",
        "chat_id": str(chat.pk),
        "title": chat.title,
        "title_given": bool(chat.given_title),
        "character_id": str(chat.character_id),
        "updated_at": isoformat(chat.updated_at),
    }
    publish_on_commit(chat.user_id, payload)


def chat_deleted(*, user_id: UUID, chat_id: UUID) -> None:
    payload: ChatDeleted = {"type": "chat.deleted", "chat_id": str(chat_id)}
    publish_on_commit(user_id, payload)
