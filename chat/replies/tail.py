"""Follows a reply from any offset: from memory in the process that writes it, else from its row.

Either way the text is in a buffer that all readers of the process share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from chat.replies import running
from chat.replies.buffer import ReplyBuffer
from chat.replies.models import Generation
from chat.replies.rows import follow_row

HEARTBEAT_SECS = 15


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
    with follow_row(generation_id) as row:
        async for item in _from_buffer(row.log, offset):
            yield item
        if row.error:
            raise row.error
        yield row.final


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


def _beyond(text: str, offset: int) -> Chunk | None:
    return Chunk(text[offset:], len(text)) if len(text) > offset else None
