"""Many single questions, answered by few passes over the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from intellispark.db import is_outage
from intellispark.threads import in_thread

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 500  # keys a pass: a storm of them must not become one query without end


class DataLoader(Generic[K, V]):
    """`await load(key)` is `work([key, …])[key]`.

    While one pass is at work in its thread, the next one gathers: a single caller waits for
    nobody, and a thousand sockets that come back at once cost a handful of queries. A key that
    `work` cannot answer fails alone. Event loops share nothing with each other.
    """

    def __init__(self, work: Callable[[list[K]], Mapping[K, V]]) -> None:
        def answers(keys: list[K]) -> dict[K, V | Exception]:
            return each_alone(work, keys)

        self._answers = in_thread(answers)
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
        answers: dict[K, V | Exception]
        try:
            answers = await self._answers(list(asked))
        except Exception as error:  # of the thread, around the work: nobody may wait for ever
            answers = dict.fromkeys(asked, error)
        for key, answer in answers.items():
            if isinstance(answer, Exception):
                asked[key].set_exception(answer)
            else:
                asked[key].set_result(answer)


def each_alone(
    work: Callable[[list[K]], Mapping[K, V]], keys: Iterable[K]
) -> dict[K, V | Exception]:
    """`work(keys)`, with an exception in place of each answer that could not be had.

    When a pass fails, each half of its keys is asked for again, so that whoever brought the key
    that cannot be answered is the only one to hear of it. An outage fails them all at once.
    """
    keys = list(keys)
    try:
        found = work(keys)
    except Exception as error:
        outage = isinstance(error, (InterfaceError, OperationalError)) and is_outage(error)
        if len(keys) < 2 or outage:
            return dict.fromkeys(keys, error)
        half = len(keys) // 2
        answers, others = each_alone(work, keys[:half]), each_alone(work, keys[half:])
        answers.update(others)
        return answers
    return {key: found[key] if key in found else KeyError(key) for key in keys}
