"""Starts generations: message, hold and generation are written in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from chat.conversations.events import chat_updated
from chat.conversations.messages import append_messages, get_message, lock_chat
from chat.conversations.models import Chat, Message
from chat.conversations.validation import clean_text
from chat.errors import GenerationInProgress, NothingToAnswer
from chat.replies import running
from chat.replies.control import get_generation
from chat.replies.events import reply_started
from chat.replies.lease import lease_end, owner
from chat.replies.models import Generation
from chat.replies.prompt import build_request
from chat.replies.providers.base import ReplyRequest
from chat.replies.providers.registry import get_provider
from chat.replies.recover import recover_if_lapsed
from intellispark.accounts.models import User
from intellispark.api.errors import Invalid, Unavailable
from intellispark.api.idempotency import once
from intellispark.api.models import IdempotencyKey
from intellispark.threads import in_thread, writers
from payments.ledger import operations as ledger

OPERATION = "generate"
LEDGER_LANGUAGE = "en"  # of descriptions: pages translate them as they show them
TURN_SECS = 10.0  # for a turn among the person's own starts
ANSWERED = (Message.Status.COMPLETE, Message.Status.STOPPED)

_starting: set[asyncio.Task[Generation]] = set()


@dataclass(frozen=True)
class ReplyInput:
    """What the reply answers: new `content`, the message of that id, or (neither) the last one."""

    content: str | None = None
    message_id: str | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, object]) -> ReplyInput:
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


class Started(NamedTuple):
    """A generation, and what to ask the model for it; None where the key had started it before."""

    generation: Generation
    request: ReplyRequest | None


async def start_detached(
    *, user: User, chat_id: UUID, body: Mapping[str, object], key: str, language: str
) -> Generation:
    """The running generation, or the one that this key started before. Raises as `start` does.

    When the caller is cancelled (the client left), the start goes on: what is held is written.
    Of one person's starts some wait for their turn; Unavailable for who has waited too long.
    """

    async def start_and_launch() -> Generation:
        try:
            async with writers.of(user.pk, wait_secs=TURN_SECS):
                generation, request = await in_thread(start, writes=True)(
                    user=user, chat_id=chat_id, body=body, key=key, language=language
                )
        except TimeoutError as error:
            raise Unavailable from error
        if request:
            running.launch(generation, request)
        return generation

    task = asyncio.create_task(start_and_launch())
    _starting.add(task)
    task.add_done_callback(_starting.discard)
    return await asyncio.shield(task)


def start(
    *, user: User, chat_id: UUID, body: Mapping[str, object], key: str = "", language: str = ""
) -> Started:
    """Write the generation that `body` asks for and hold its tokens.

    `body` is what the client sent. `language` is the request's: the person's own setting goes
    before it, and the chat's language serves when both are empty.

    When it raises, it leaves nothing behind: NotFound, Invalid, GenerationInProgress,
    NothingToAnswer, InsufficientTokens, IdempotencyConflict.
    """

    def make(record: IdempotencyKey) -> Started:
        reply_input = ReplyInput.from_body(body)
        # After the key is claimed: of two equal requests the second must find the key taken, and
        # not the chat busy with the first one's reply.
        chat = lock_chat(user=user, chat_id=chat_id)
        _refuse_if_running(chat)
        return _write(record.resource_id, chat, _prompt(chat, reply_input), key, language)

    def replay(record: IdempotencyKey) -> Started:
        return Started(get_generation(user=user, generation_id=record.resource_id), None)

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
    """Raise GenerationInProgress if a reply runs; settle it instead if its lease has lapsed."""
    for busy in chat.generations.running().values_list("pk", flat=True):  # one at most
        if not recover_if_lapsed(busy):
            raise GenerationInProgress(generation_id=str(busy))


def _prompt(chat: Chat, reply_input: ReplyInput) -> Message:
    """The user's message that the reply answers; one of new content is not yet written."""
    if reply_input.content is not None:
        return Message(role=Message.Role.USER, content=reply_input.content)
    last = chat.messages.filter(role=Message.Role.USER).order_by("-number").first()
    if reply_input.message_id is not None:
        chosen = get_message(chat=chat, message_id=reply_input.message_id)
        if last is None or chosen.pk != last.pk:
            raise NothingToAnswer
    if last is None or last.answers.filter(status__in=ANSWERED).exists():
        raise NothingToAnswer
    return last


def _write(generation_id: UUID, chat: Chat, prompt: Message, key: str, language: str) -> Started:
    provider = get_provider()
    reply = Message(role=Message.Role.ASSISTANT, status=Message.Status.STREAMING, parent=prompt)
    append_messages(chat, *([prompt] if prompt._state.adding else []), reply)
    generation = Generation(
        pk=generation_id,
        chat=chat,
        user=chat.user,
        prompt_message=prompt,
        message=reply,
        provider=settings.AI_PROVIDER,
        model=provider.model,
        language=chat.user.language or language or chat.language,
        price_tokens=provider.price_tokens,
        op=key,
        owner=owner(),
        lease_expires_at=lease_end(),
    )
    prefetch_related_objects([chat.character], "texts")
    request = build_request(generation)
    if generation.price_tokens:  # last, so that the wallet is locked for a short time
        generation.hold = ledger.hold(
            wallet_id=chat.user_id,
            tokens=generation.price_tokens,
            key=f"gen:{generation.pk}:hold",
            op=key,
            description=f"Reply from {chat.character.text(LEDGER_LANGUAGE).name}",
            reference=f"generation:{generation.pk}",
        )
    generation.save(force_insert=True)
    chat_updated(chat)
    reply_started(generation)
    return Started(generation, request)
