"""What a person does with chats: begin one, find it, rename it. Deleting is in `replies`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language

from chat.characters.models import Character
from chat.conversations import events
from chat.conversations.messages import append_message
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.lookups import get_by_id

CREATE = "chat.create"
TITLE_MAX_CHARS = 120


def get_chat(*, user: User, chat_id: UUID | str) -> Chat:
    """The person's own chat: one query. Raises NotFound, for malformed ids too."""
    return get_by_id(Chat.objects.owned_by(user), chat_id)


def get_chat_card(*, user: User, chat_id: UUID | str) -> Chat:
    """The same with its character and last message at hand."""
    return get_by_id(Chat.objects.owned_by(user).with_last_message(), chat_id)


def create_chat(*, user: User, character: Character, key: str = "") -> Chat:
    """A new chat with the opening line already in it, or the one that `key` made before.

    Language and title are fixed here: the person's own language, else the page's.
    """
    claim = _claim(user, character.pk, key)
    while True:
        if created := find_created(user=user, character_id=character.pk, key=key):
            return created
        try:
            with transaction.atomic():
                record = idempotency.claim(**claim)
                chat = _open(user, character)
                record.refer(str(chat.pk))
                return chat
        except idempotency.KeyTaken:
            continue  # somebody was faster by a moment: what they made is found now


def find_created(*, user: User, character_id: Any, key: str) -> Chat | None:
    """The chat that this key made before, or None. Asked before the character is looked for.

    Raises IdempotencyConflict for another character; NotFound when the chat was deleted since.
    """
    record = idempotency.find(**_claim(user, character_id, key))
    return get_chat(user=user, chat_id=record.reference) if record else None


def _claim(user: User, character_id: Any, key: str) -> dict[str, Any]:
    try:
        asked = str(UUID(str(character_id)))
    except ValueError:
        asked = character_id
    return {
        "user": user,
        "operation": CREATE,
        "scope": "",
        "key": key,
        "body": {"character_id": asked},
    }


def _open(user: User, character: Character) -> Chat:
    language = user.language or get_language() or settings.LANGUAGE_CODE
    text = character.text(language)
    chat = Chat.objects.create(
        user=user, character=character, title=text.name[:TITLE_MAX_CHARS], language=language
    )
    if text.opening_line:
        append_message(chat, role=Message.Role.ASSISTANT, content=text.opening_line)
    events.chat_updated(chat)
    return chat


def rename_chat(*, chat: Chat, title: Any) -> Chat:
    """The chat under its new title, 1 to 120 characters. Raises Invalid. No activity."""
    chat.title = clean_text(title, field="title", max_chars=TITLE_MAX_CHARS)
    with transaction.atomic():
        chat.save(update_fields=["title"])
        events.chat_updated(chat)
    return chat
