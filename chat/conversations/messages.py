"""Messages: reading them page by page, and writing new ones."""

from __future__ import annotations

from typing import TypedDict, Unpack
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from chat.conversations import events
from chat.conversations.html import keep_html, rendered
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from intellispark.accounts.models import User
from intellispark.api.idempotency import once
from intellispark.api.lookups import get_by_id
from intellispark.api.models import IdempotencyKey

POST = "message.post"
PAGE_MAX_CHARS = 500_000  # of text and HTML in one answer
READ_AT_ONCE = 32  # messages; as many as a page shows, so that it takes one query


class NewMessage(TypedDict, total=False):
    """What is said of a message when it is written; the rest is its chat and its number."""

    pk: UUID
    role: Message.Role
    content: str
    status: Message.Status
    parent: Message


def append_message(chat: Chat, **fields: Unpack[NewMessage]) -> Message:
    """Write the chat's next message. The caller holds the chat's lock: numbers follow commits."""
    Chat.objects.filter(pk=chat.pk).update(
        message_count=F("message_count") + 1, updated_at=timezone.now()
    )
    chat.refresh_from_db(fields=["message_count", "updated_at"])
    message = Message(chat=chat, number=chat.message_count, **fields)
    for name, value in rendered(message).items():
        setattr(message, name, value)
    message.save(force_insert=True)
    return message


def post_message(*, user: User, chat: Chat, content: object, key: str = "") -> Message:
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
    """The person's chat, locked until the transaction ends, and the person before it, as closing
    an account does (see `intellispark.accounts.locking`). One query. Raises NotFound.

    All writers of a chat's messages and generations lock it first; see `chat.replies.settle`.
    """
    mine = Chat.objects.owned_by(user).filter(user__is_active=True).select_related("user")
    return get_by_id(mine.select_for_update(no_key=True, of=("user", "self")), chat_id)


def owns_chat(*, user: User, chat_id: UUID) -> bool:
    return Chat.objects.owned_by(user).filter(pk=chat_id).exists()


def get_message(*, chat: Chat, message_id: UUID | str) -> Message:
    """A message of that chat: one query. Raises NotFound, for malformed ids too."""
    return get_by_id(chat.messages.with_receipts(), message_id)


def message_page(
    *, chat: Chat, before: UUID | str | None = None, limit: int
) -> tuple[list[Message], bool]:
    """The `limit` messages before that one (default: the newest), oldest first, and whether there
    are older ones. One query for each `READ_AT_ONCE`, one more for `before`, and one where HTML of
    an older renderer is made anew.

    Fewer where they are long: together at most `PAGE_MAX_CHARS`, or one. No more is read than one
    query too many, because an answer is to be bounded, and what it takes to make it.
    """
    rows = chat.messages.with_receipts().order_by("-number")
    if before:
        rows = rows.filter(number__lt=get_message(chat=chat, message_id=before).number)
    found: list[Message] = []
    fitting = chars = 0
    while len(found) <= limit and chars <= PAGE_MAX_CHARS:
        at_once = min(READ_AT_ONCE, limit + 1 - len(found))
        more = list(rows.filter(number__lt=found[-1].number)[:at_once] if found else rows[:at_once])
        for message in more:
            chars += len(message.content) + len(message.content_html)
            fitting += chars <= PAGE_MAX_CHARS
        found += more
        if len(more) < at_once:
            break
    shown = found[: min(limit, max(1, fitting))]
    keep_html(shown)
    return shown[::-1], len(found) > len(shown)
