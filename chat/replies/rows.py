"""Follows the replies that other processes write, by their rows.

One poll for all that this process follows, however many readers each of them has: two queries,
twice a second.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.replies.buffer import ReplyBuffer
from chat.replies.models import Generation
from chat.replies.recover import try_to_recover
from intellispark.threads import in_thread

ROW_POLL_SECS = 0.5


class FollowedRow:
    """The text of one row as a buffer, which grows with it until the reply ends.

    Then `final` is the finished generation, or None when it was deleted with its chat; `error` is
    set instead when the row could not be read.
    """

    def __init__(self) -> None:
        self.log = ReplyBuffer()
        self.final: Generation | None = None
        self.error: Exception | None = None
        self.readers = 0

    def take(self, generation: Generation | None) -> None:
        if generation is not None and generation.message is not None:
            text, seen = generation.message.content, self.log.text
            if text.startswith(seen):
                self.log.append(text[len(seen) :])
            else:
                self.log.replace(text)
        if generation is None or not generation.is_running:
            self.final = generation
            self.log.end()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.log.end()


class RowPoll:
    """The rows that one loop follows."""

    def __init__(self) -> None:
        self._rows: dict[UUID, FollowedRow] = {}
        self._new = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def follow(self, generation_id: UUID) -> Iterator[FollowedRow]:
        """The row, shared with whoever follows it already; a new one is read at once."""
        row = self._rows.get(generation_id)
        if row is None:
            row = self._rows[generation_id] = FollowedRow()
            self._new.set()
        row.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        try:
            yield row
        finally:
            row.readers -= 1
            if not row.readers:
                self._forget(generation_id, row)

    async def _poll(self) -> None:
        while self._rows:
            self._new.clear()
            asked = dict(self._rows)
            try:
                found = await in_thread(_read)(asked.keys())
            except Exception as error:  # each reader's answer breaks off, as if it had asked itself
                for generation_id, row in asked.items():
                    row.fail(error)
                    self._forget(generation_id, row)
                continue
            for generation_id, row in asked.items():
                row.take(found.get(generation_id))
                if row.log.ended:  # whoever comes later reads it anew
                    self._forget(generation_id, row)
            try:
                async with asyncio.timeout(ROW_POLL_SECS):
                    await self._new.wait()
            except TimeoutError:
                continue

    def _forget(self, generation_id: UUID, row: FollowedRow) -> None:
        if self._rows.get(generation_id) is row:
            del self._rows[generation_id]


def follow_row(generation_id: UUID) -> AbstractContextManager[FollowedRow]:
    """`RowPoll.follow` of the running loop."""
    loop = asyncio.get_running_loop()
    poll = _polls.get(loop)
    if poll is None:
        poll = _polls[loop] = RowPoll()
    return poll.follow(generation_id)


_polls: WeakKeyDictionary[AbstractEventLoop, RowPoll] = WeakKeyDictionary()


def _read(ids: Collection[UUID]) -> dict[UUID, Generation]:
    """These generations with their outcomes. Those whose lease has lapsed are settled first."""
    for lapsed in Generation.objects.lapsed().filter(pk__in=ids):
        try_to_recover(lapsed)
    return Generation.objects.with_outcome().in_bulk(ids)
