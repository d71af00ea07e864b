"""What a person does with chats: begin one, rename it, delete it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language

from chat import events
from chat.generation import engine
from chat.generation.settle import Outcome, settle
from chat.messages import append_message
from chat.models import Character, Chat, Generation, Message
from chat.text import clean_text
from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.errors import NotFound

CREATE = "chat.create"
TITLE_MAX_CHARS = 120


def get_chat(*, user: User, chat_id: UUID | str) -> Chat:
    """The person's own chat: one query. Raises NotFound, for malformed ids too."""
    return _get(Chat.objects.of(user), chat_id)


def get_chat_card(*, user: User, chat_id: UUID | str) -> Chat:
    """The same with its character and last message at hand."""
    return _get(Chat.objects.of(user).with_last_message(), chat_id)


def get_character(*, user: Any, character_id: UUID | str) -> Character:
    """A character that the person may see. Raises NotFound."""
    return _get(Character.objects.visible_to(user).for_cards(), character_id)


def _get(rows: Any, pk: Any) -> Any:
    try:
        found = rows.filter(pk=UUID(str(pk))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    return found


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


def delete_chat(*, chat: Chat) -> None:
    """Gone with its messages; a running reply is stopped and settled first.

    A run of this process settles itself, so that whoever watches sees it stop. What still runs
    then (in another process, or begun meanwhile) is settled here, under the chat's lock; its
    writer finds the fence closed.
    """
    for generation_id in chat.generations.running().values_list("pk", flat=True):
        engine.stop_and_wait(generation_id)
    with transaction.atomic():
        _delete(chat)


def delete_chats(*, user: User) -> None:
    """All of the person's chats are gone, in the caller's transaction.

    Running replies are told to stop, but nothing waits for them here: they could not settle while
    this transaction holds what they need. They are settled as stopped where they stand.
    """
    for chat in Chat.objects.of(user):
        for generation_id in chat.generations.running().values_list("pk", flat=True):
            engine.stop(generation_id)
        _delete(chat)


def _delete(chat: Chat) -> None:
    """Settle what still runs, under the chat's lock, and delete. Needs a transaction."""
    if not Chat.objects.select_for_update(no_key=True).filter(pk=chat.pk).exists():
        return
    for generation_id in chat.generations.running().values_list("pk", flat=True):
        settle(
            generation_id=generation_id,
            chat_id=chat.pk,
            outcome=Outcome(
                Generation.Status.STOPPED, engine.text_so_far(generation_id), estimated=True
            ),
        )
    events.chat_deleted(user_id=chat.user_id, chat_id=chat.pk)
    chat.delete()
