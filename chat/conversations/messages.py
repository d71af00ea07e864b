"""Messages: reading them page by page, and writing new ones."""

from __future__ import annotations

from typing import TypedDict, Unpack
from uuid import UUID

from django.utils import timezone

from chat.conversations import events
from chat.conversations.html import keep_html, rendered
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from intellispark.accounts.models import User
from intellispark.api.errors import Suspended
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
    """Write the chat's next message; as `append_messages`."""
    message = Message(**fields)
    append_messages(chat, message)
    return message


def append_messages(chat: Chat, *messages: Message) -> None:
    """Write the chat's next messages, in that order: two statements.

    The caller has locked the chat and read it then, so that numbers follow commits.
    """
    for number, message in enumerate(messages, chat.message_count + 1):
        message.chat, message.number = chat, number
        for name, value in rendered(message).items():
            setattr(message, name, value)
    Message.objects.bulk_create(messages)
    chat.message_count += len(messages)
    chat.updated_at = timezone.now()
    Chat.objects.filter(pk=chat.pk).update(
        message_count=chat.message_count, updated_at=chat.updated_at
    )


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
    an account does (see `intellispark.accounts.locking`). With its character; one query. Raises
    NotFound; Suspended, since what a suspension has ended must not begin anew behind it.

    All writers of a chat's messages and generations lock it first; see `chat.replies.settle`.
    """
    mine = Chat.objects.owned_by(user).filter(user__is_active=True)
    mine = mine.select_related("user", "character")
    chat = get_by_id(mine.select_for_update(no_key=True, of=("user", "self")), chat_id)
    if chat.user.is_suspended:
        raise Suspended
    return chat


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
