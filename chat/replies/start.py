"""The beginning of a generation: everything that must be true of it, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat.conversations.events import chat_updated
from chat.conversations.messages import append_message, get_message, lock_chat
from chat.conversations.models import Chat, Message
from chat.errors import GenerationInProgress, NothingToAnswer
from chat.replies import running
from chat.replies.events import reply_started
from chat.replies.lease import lease_end, owner
from chat.replies.models import Generation
from chat.replies.providers.registry import get_provider
from chat.replies.recover import recover
from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.errors import NotFound
from intellispark.threads import in_thread
from payments.ledger import operations as ledger

OPERATION = "generate"
ANSWERED = (Message.Status.COMPLETE, Message.Status.STOPPED)

_beginnings: set[asyncio.Task[Generation]] = set()


@dataclass(frozen=True)
class ReplyInput:
    """What is to be answered: new `content`, that message, or (neither) the last one.

    `language` is the one that the request asked for; the person's own choice goes before it, and
    the chat's serves where nobody asked.
    """

    content: str | None = None
    message_id: UUID | str | None = None
    language: str = ""


async def start_detached(
    *, user: User, chat_id: UUID, asked: ReplyInput, key: str, body: Mapping[str, Any]
) -> Generation:
    """The generation, running, or the one that this key began before. Raises as `start` does.

    Goes on when the caller is cancelled (the client left): what is held must also be written.
    """

    async def start_and_launch() -> Generation:
        generation, created = await in_thread(start)(
            user=user, chat_id=chat_id, asked=asked, key=key, body=body
        )
        if created:
            running.launch(generation)
        return generation

    task = asyncio.create_task(start_and_launch())
    _beginnings.add(task)
    task.add_done_callback(_beginnings.discard)
    return await asyncio.shield(task)


def find_started(
    *, user: User, chat_id: UUID, key: str, body: Mapping[str, Any]
) -> Generation | None:
    """The generation that this key began, or None. Raises IdempotencyConflict for another body."""
    record = idempotency.find(
        user=user, operation=OPERATION, scope=str(chat_id), key=key, body=body
    )
    if record is None:
        return None
    generation = (
        Generation.objects.owned_by(user).with_outcome().filter(pk=record.reference).first()
    )
    if generation is None:
        raise NotFound
    return generation


def start(
    *, user: User, chat_id: UUID, asked: ReplyInput, key: str, body: Mapping[str, Any]
) -> tuple[Generation, bool]:
    """The generation that was asked for, with its tokens held, and whether it is new.

    Leaves nothing behind when it raises: NotFound, GenerationInProgress, NothingToAnswer,
    InsufficientTokens, IdempotencyConflict.
    """
    while True:
        if found := find_started(user=user, chat_id=chat_id, key=key, body=body):
            return found, False
        try:
            with transaction.atomic():
                # Before the chat's lock: of two equal requests the second must find the key
                # taken, not the chat busy with the first.
                record = idempotency.claim(
                    user=user, operation=OPERATION, scope=str(chat_id), key=key, body=body
                )
                chat = lock_chat(user=user, chat_id=chat_id)
                _refuse_if_running(chat)
                generation = _write(user, chat, _prompt(chat, asked), key, asked.language)
                record.refer(str(generation.pk))
                return generation, True
        except idempotency.KeyTaken:
            continue  # somebody was faster by a moment: what they began is found now


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


def _write(user: User, chat: Chat, prompt: Message, key: str, language: str) -> Generation:
    provider = get_provider()
    generation = Generation(
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
            description=f"Reply from {chat.character.text(chat.language).name}",
            reference=f"generation:{generation.pk}",
        )
    generation.save(force_insert=True)
    chat_updated(chat)
    reply_started(generation)
    return generation
