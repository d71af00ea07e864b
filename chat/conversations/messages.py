"""Messages: reading them page by page, and writing new ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from chat.conversations import events
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from intellispark.accounts.models import User
from intellispark.api.idempotency import once
from intellispark.api.lookups import get_by_id
from intellispark.api.models import IdempotencyKey

POST = "message.post"


def append_message(chat: Chat, **fields: Any) -> Message:
    """Write the chat's next message. The caller holds the chat's lock: numbers follow commits."""
    Chat.objects.filter(pk=chat.pk).update(
        message_count=F("message_count") + 1, updated_at=timezone.now()
    )
    chat.refresh_from_db(fields=["message_count", "updated_at"])
    return Message.objects.create(chat=chat, number=chat.message_count, **fields)


def post_message(*, user: User, chat: Chat, content: Any, key: str = "") -> Message:
    """The user's message, or the one that `key` posted before.

    `content` is what the client sent. Raises Invalid when it is not a text of 1 to 10 000
    characters, NotFound when the chat or the message was deleted since, IdempotencyConflict when
    the key posted another content.
    """

    def make(record: IdempotencyKey) -> Message:
        text = clean_text("" if content is None else content, field="content")
        locked = lock_chat(user=user, chat_id=chat.pk)
        message = append_message(
            locked, pk=record.resource_id, role=Message.Role.USER, content=text
        )
        events.chat_updated(locked)
        return message

    return once(
        user=user,
        operation=POST,
        scope=str(chat.pk),
        key=key,
        body={"content": content.strip() if isinstance(content, str) else content},
        make=make,
        replay=lambda record: get_message(chat=chat, message_id=record.resource_id),
    )


def lock_chat(*, user: User, chat_id: UUID) -> Chat:
    """The person's chat, locked until the transaction ends. Raises NotFound.

    All writers of a chat's messages and generations lock it first; see `chat.replies.settle`.
    """
    return get_by_id(Chat.objects.owned_by(user).select_for_update(no_key=True), chat_id)


def owns_chat(*, user: User, chat_id: UUID) -> bool:
    return Chat.objects.owned_by(user).filter(pk=chat_id).exists()


def get_message(*, chat: Chat, message_id: UUID | str) -> Message:
    """A message of that chat: one query. Raises NotFound, for malformed ids too."""
    return get_by_id(chat.messages.with_receipts(), message_id)


def message_page(
    *, chat: Chat, before: UUID | str | None = None, limit: int
) -> tuple[list[Message], bool]:
    """The `limit` messages before that one (default: the newest), oldest first, and whether there
    are older ones. One query, and one more for `before`."""
    rows = chat.messages.with_receipts().order_by("-number")
    if before:
        rows = rows.filter(number__lt=get_message(chat=chat, message_id=before).number)
    found = list(rows[: limit + 1])
    return found[:limit][::-1], len(found) > limit
