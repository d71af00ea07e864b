"""Many single questions, answered by few passes over the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from channels.db import database_sync_to_async

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 500  # keys a pass: a storm of them must not become one query without end


class DataLoader(Generic[K, V]):
    """`await load(key)` is `work([key, …])[key]`.

    While one pass is at work in its thread, the next one gathers: a single caller waits for
    nobody, and a thousand sockets that come back at once cost a handful of queries. Event loops
    share nothing with each other.
    """

    def __init__(self, work: Callable[[list[K]], Mapping[K, V]]) -> None:
        self._work = database_sync_to_async(work, thread_sensitive=False)
        self._waiting: dict[asyncio.AbstractEventLoop, dict[K, asyncio.Future[V]]] = {}
        self._workers: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references only

    async def __call__(self, key: K) -> V:
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(loop)
        if waiting is None:  # nobody is at work on this loop
            waiting = self._waiting[loop] = {}
            worker = loop.create_task(self._answer(waiting))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        future = waiting.setdefault(key, loop.create_future())
        return await asyncio.shield(future)

    async def _answer(self, waiting: dict[K, asyncio.Future[V]]) -> None:
        try:
            while waiting:
                # Taken out before the work: who asks from now on must see what is true from now on.
                asked = {key: waiting.pop(key) for key in list(waiting)[:MOST]}
                await self._pass(asked)
        finally:
            del self._waiting[asyncio.get_running_loop()]

    async def _pass(self, asked: dict[K, asyncio.Future[V]]) -> None:
        try:
            found = await self._work(list(asked))
        except Exception as error:
            for future in asked.values():
                future.set_exception(error)
        else:
            for key, future in asked.items():
                future.set_result(found[key])
