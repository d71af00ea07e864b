"""The beginning of a generation: everything that must be true of it, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chat.conversations.events import chat_updated
from chat.conversations.messages import append_message, get_message, lock_chat, owns_chat
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from chat.errors import GenerationInProgress, NothingToAnswer
from chat.replies import running
from chat.replies.control import get_generation
from chat.replies.events import reply_started
from chat.replies.lease import lease_end, owner
from chat.replies.models import Generation
from chat.replies.providers.registry import get_provider
from chat.replies.recover import recover
from intellispark.accounts.models import User
from intellispark.api.errors import Invalid, NotFound
from intellispark.api.idempotency import once
from intellispark.api.models import IdempotencyKey
from intellispark.threads import in_thread
from payments.ledger import operations as ledger

OPERATION = "generate"
LEDGER_LANGUAGE = "en"  # of descriptions: pages translate them as they show them
ANSWERED = (Message.Status.COMPLETE, Message.Status.STOPPED)

_beginnings: set[asyncio.Task[Generation]] = set()


@dataclass(frozen=True)
class ReplyInput:
    """What is to be answered: new `content`, that message, or (neither) the last one."""

    content: str | None = None
    message_id: str | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> ReplyInput:
        """What the client sent, checked. Raises Invalid."""
        content, message_id = body.get("content"), body.get("message_id")
        if content is not None and message_id is not None:
            raise Invalid.field("message_id", _("Send either content or message_id, not both."))
        if message_id is not None and not isinstance(message_id, str):
            raise Invalid.field("message_id", _("This must be the id of a message."))
        return cls(
            content=None if content is None else clean_text(content, field="content"),
            message_id=message_id,
        )


async def start_detached(
    *, user: User, chat_id: UUID, body: Mapping[str, Any], key: str, language: str
) -> Generation:
    """The generation, running, or the one that this key began before. Raises as `start` does.

    Goes on when the caller is cancelled (the client left): what is held must also be written.
    """

    async def start_and_launch() -> Generation:
        generation, created = await in_thread(start)(
            user=user, chat_id=chat_id, body=body, key=key, language=language
        )
        if created:
            running.launch(generation)
        return generation

    task = asyncio.create_task(start_and_launch())
    _beginnings.add(task)
    task.add_done_callback(_beginnings.discard)
    return await asyncio.shield(task)


def start(
    *, user: User, chat_id: UUID, body: Mapping[str, Any], key: str = "", language: str = ""
) -> tuple[Generation, bool]:
    """The generation that `body` asks for, with its tokens held, and whether it is new.

    `body` is what the client sent. `language` is the one that the request asked for; the person's
    own choice goes before it, and the chat's serves where nobody asked.

    Leaves nothing behind when it raises: NotFound, Invalid, GenerationInProgress, NothingToAnswer,
    InsufficientTokens, IdempotencyConflict.
    """
    if not owns_chat(user=user, chat_id=chat_id):
        raise NotFound

    def make(record: IdempotencyKey) -> tuple[Generation, bool]:
        asked = ReplyInput.from_body(body)
        # After the key is inserted: of two equal requests the second must find the key taken, not
        # the chat busy with the first.
        chat = lock_chat(user=user, chat_id=chat_id)
        _refuse_if_running(chat)
        prompt = _prompt(chat, asked)
        return _write(record.resource_id, user, chat, prompt, key, language), True

    def replay(record: IdempotencyKey) -> tuple[Generation, bool]:
        return get_generation(user=user, generation_id=record.resource_id), False

    return once(
        user=user,
        operation=OPERATION,
        scope=str(chat_id),
        key=key,
        body=body,
        make=make,
        replay=replay,
    )


def _refuse_if_running(chat: Chat) -> None:
    """No reply may be running. One whose process is gone is settled on the spot."""
    busy = chat.generations.running().first()
    if busy is None:
        return
    if not Generation.objects.lapsed().filter(pk=busy.pk).exists() or not recover(busy):
        raise GenerationInProgress(generation_id=str(busy.pk))
    chat.refresh_from_db(fields=["message_count"])


def _prompt(chat: Chat, asked: ReplyInput) -> Message:
    """The user's message that is to be answered."""
    if asked.content is not None:
        return append_message(chat, role=Message.Role.USER, content=asked.content)
    last = chat.messages.filter(role=Message.Role.USER).order_by("-number").first()
    if asked.message_id is not None:
        wished = get_message(chat=chat, message_id=asked.message_id)
        if last is None or wished.pk != last.pk:
            raise NothingToAnswer
    if last is None or last.answers.filter(status__in=ANSWERED).exists():
        raise NothingToAnswer
    return last


def _write(
    generation_id: UUID, user: User, chat: Chat, prompt: Message, key: str, language: str
) -> Generation:
    provider = get_provider()
    generation = Generation(
        pk=generation_id,
        chat=chat,
        user=user,
        prompt_message=prompt,
        provider=settings.AI_PROVIDER,
        model=provider.model,
        language=user.language or language or chat.language,
        price_tokens=provider.price_tokens,
        op=key,
        owner=owner(),
        lease_expires_at=lease_end(),
    )
    generation.message = append_message(
        chat, role=Message.Role.ASSISTANT, status=Message.Status.STREAMING, parent=prompt
    )
    if generation.price_tokens:  # last: the wallet is what other chats wait for
        generation.hold = ledger.hold(
            wallet_id=user.pk,
            tokens=generation.price_tokens,
            key=f"gen:{generation.pk}:hold",
            op=key,
            description=f"Reply from {chat.character.text(LEDGER_LANGUAGE).name}",
            reference=f"generation:{generation.pk}",
        )
    generation.save(force_insert=True)
    chat_updated(chat)
    reply_started(generation)
    return generation
