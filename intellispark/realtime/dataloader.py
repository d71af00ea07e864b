"""Many single questions, answered by few passes over the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from channels.db import database_sync_to_async

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 500  # keys a pass: a storm of them must not become one query without end


class DataLoader(Generic[K, V]):
    """`await loader(key)` is `work([key, …])[key]`. Call it on one loop at a time.

    While one pass is at work in its thread, the next one gathers: a single caller waits for
    nobody, and a thousand sockets that come back at once cost a handful of queries.
    """

    def __init__(self, work: Callable[[list[K]], dict[K, V]]) -> None:
        self._work = database_sync_to_async(work, thread_sensitive=False)
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, key: K) -> V:
        loop = asyncio.get_running_loop()
        if self._worker is not None and self._worker.get_loop() is not loop:
            self._waiting, self._worker = {}, None
        future = self._waiting.setdefault(key, loop.create_future())
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._answer())
        return await asyncio.shield(future)

    async def _answer(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:MOST]
            # Taken out before the work: who asks from now on must see what is true from now on.
            asked = {key: self._waiting.pop(key) for key in keys}
            try:
                found = await self._work(keys)
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
            else:
                for key, future in asked.items():
                    future.set_result(found[key])
