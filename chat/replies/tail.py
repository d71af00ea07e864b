"""Follows a reply from any offset: from memory in the process that writes it, else from its row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from chat.replies import running
from chat.replies.buffer import ReplyBuffer
from chat.replies.models import Generation
from chat.replies.recover import recover_if_lapsed
from intellispark.threads import in_thread

HEARTBEAT_SECS = 15
ROW_POLL_SECS = 0.5


@dataclass(frozen=True)
class Chunk:
    """More text; `end` is the offset after it, in Unicode code points. With `replaces`, all of the
    text, in place of what came before."""

    text: str
    end: int
    replaces: bool = False


class Heartbeat:
    """Nothing happened for `HEARTBEAT_SECS`."""


HEARTBEAT = Heartbeat()

Tailed = Chunk | Heartbeat | Generation | None


async def tail(generation_id: UUID, offset: int = 0) -> AsyncGenerator[Tailed, None]:
    """Yields the text after `offset` as it comes, then, as the last item, the finished generation.

    The last item is None when the generation was deleted with its chat. A reader who stops does
    not stop the generation. When the lease has lapsed, this settles the generation.
    """
    if run := running.find_here(generation_id):
        async for item in _from_buffer(run.buffer, offset):
            if isinstance(item, Chunk):
                offset = item.end
            yield item
        if run.final:
            yield run.final
            return
    async for item in _from_row(generation_id, offset):
        yield item


async def wait_for_end(generation_id: UUID) -> Generation | None:
    """The finished generation; None when it was deleted."""
    async for item in tail(generation_id):
        if isinstance(item, Generation):
            return item
    return None


async def _from_buffer(log: ReplyBuffer, offset: int) -> AsyncGenerator[Tailed, None]:
    revision = 0  # nobody knows that of the text before `offset`: another one is sent whole
    while True:
        if log.revision != revision:
            revision, text = log.revision, log.text
            offset = len(text)
            yield Chunk(text, offset, replaces=True)
        elif chunk := _beyond(log.text, offset):
            offset = chunk.end
            yield chunk
        elif log.ended:
            return
        elif not await log.wait_beyond(offset, revision=revision, timeout=HEARTBEAT_SECS):
            yield HEARTBEAT


async def _from_row(generation_id: UUID, offset: int) -> AsyncGenerator[Tailed, None]:
    silent_secs = 0.0
    seen = ""
    while True:
        generation = await in_thread(_read)(generation_id)
        if generation is None:
            yield None
            return
        text = generation.message.content if generation.message else seen
        chunk = _beyond(text, offset)
        if not text.startswith(seen):
            chunk = Chunk(text, len(text), replaces=True)
        seen = text
        if chunk:
            offset, silent_secs = chunk.end, 0.0
            yield chunk
        if not generation.is_running:
            yield generation
            return
        await asyncio.sleep(ROW_POLL_SECS)
        silent_secs += ROW_POLL_SECS
        if silent_secs >= HEARTBEAT_SECS:
            silent_secs = 0.0
            yield HEARTBEAT


def _read(generation_id: UUID) -> Generation | None:
    recover_if_lapsed(generation_id)
    return Generation.objects.with_outcome().filter(pk=generation_id).first()


def _beyond(text: str, offset: int) -> Chunk | None:
    return Chunk(text[offset:], len(text)) if len(text) > offset else None
