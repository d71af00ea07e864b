"""Making, finding and renaming chats. Deleting is in `replies`: it settles a running reply."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from chat.characters.models import Character
from chat.characters.queries import get_character
from chat.conversations import events
from chat.conversations.messages import append_message
from chat.conversations.models import Chat, Message
from chat.conversations.models.chat import TITLE_MAX_CHARS
from chat.conversations.validation import clean_title
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import User
from intellispark.api.errors import Invalid, NotFound
from intellispark.api.idempotency import once
from intellispark.api.lookups import get_by_id
from intellispark.api.models import IdempotencyKey

CREATE = "chat.create"


def get_chat(*, user: User, chat_id: UUID | str) -> Chat:
    """The person's own chat: one query. Raises NotFound, for malformed ids too."""
    return get_by_id(Chat.objects.owned_by(user), chat_id)


def get_chat_card(*, user: User, chat_id: UUID | str) -> Chat:
    """The same, with the character and the last message loaded."""
    return get_by_id(Chat.objects.owned_by(user).with_last_message(), chat_id)


def create_chat(*, user: User, character_id: object, key: str = "") -> Chat:
    """A new chat with the opening line already in it, or the one that `key` made before.

    `character_id` is what the client sent. The language is chosen here: the person's own, else the
    page's.

    Raises Invalid when it is not an id, NotFound when there is no such character or the chat of
    that key was deleted since, IdempotencyConflict when the key made a chat with another character;
    NotSignedIn when the account was closed meanwhile.
    """

    def make(record: IdempotencyKey) -> Chat:
        lock_open_account(user.pk)
        if not isinstance(character_id, (str, UUID)):
            raise Invalid.field("character_id", _("Choose a character."))
        return _open(record.resource_id, user, get_character(user=user, character_id=character_id))

    return once(
        user=user,
        operation=CREATE,
        key=key,
        body={"character_id": _canonical_id(character_id)},
        make=make,
        replay=lambda record: get_chat(user=user, chat_id=record.resource_id),
    )


def _canonical_id(character_id: object) -> object:
    """One spelling for every spelling of an id; what is not an id stays as it is."""
    try:
        return str(UUID(str(character_id)))
    except ValueError:
        return character_id


def _open(chat_id: UUID, user: User, character: Character) -> Chat:
    language = user.language or get_language() or settings.LANGUAGE_CODE
    text = character.text(language)
    chat = Chat.objects.create(
        pk=chat_id,
        user=user,
        character=character,
        language=language,
    )
    if text.opening_line:
        append_message(chat, role=Message.Role.ASSISTANT, content=text.opening_line)
    events.chat_updated(chat)
    return chat


def rename_chat(*, chat: Chat, title: object) -> Chat:
    """The chat under a title of its own, 1 to 120 characters. `updated_at` stays. Raises Invalid;
    NotFound when it was deleted meanwhile."""
    chat.given_title = clean_title(title, field="title", max_chars=TITLE_MAX_CHARS)
    with transaction.atomic():
        if not Chat.objects.filter(pk=chat.pk).update(given_title=chat.given_title):
            raise NotFound
        events.chat_updated(chat)
    return chat
