"""Runs database work for code on the event loop, so that nobody waits for who has no need to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")

# Together no more than a pool has connections (settings). These threads have a pool of their own.
NAMES = ("intellispark-reads", "intellispark-writes")
_reads, _writes = ThreadPoolExecutor(4, NAMES[0]), ThreadPoolExecutor(6, NAMES[1])
MOST_OF_ONE_PERSON = 3  # of the threads that write


def is_ours() -> bool:
    """Whether this runs in one of our threads, and not in that of a page."""
    return threading.current_thread().name.startswith(NAMES)


def in_thread(work: Callable[P, R], *, writes: bool = False) -> Callable[P, Awaitable[R]]:
    """`work` as a coroutine function, run in a pool thread that closes its connection afterwards.

    What `writes` may wait for a lock, so it has threads of its own: reads and sockets go on.
    Not thread-sensitive: asgiref has one such thread for all.
    """
    executor = _writes if writes else _reads
    found: Callable[P, Awaitable[R]] = database_sync_to_async(
        work, thread_sensitive=False, executor=executor
    )
    return found


class Turns:
    """At most `most` bodies at once for each key; the others wait on their loop, not in threads.

    async with turns.of(user_id, wait_secs=5): …
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._turns: dict[tuple[asyncio.AbstractEventLoop, Hashable], asyncio.Semaphore] = {}
        self._callers: dict[asyncio.Semaphore, int] = {}

    @asynccontextmanager
    async def of(self, key: Hashable, *, wait_secs: float | None = None) -> AsyncGenerator[None]:
        """Raises TimeoutError when the turn has not come within `wait_secs`."""
        mine = asyncio.get_running_loop(), key
        turns = self._turns.setdefault(mine, asyncio.Semaphore(self._most))
        self._callers[turns] = self._callers.get(turns, 0) + 1
        try:
            async with asyncio.timeout(wait_secs):
                await turns.acquire()
            try:
                yield
            finally:
                turns.release()
        finally:
            self._callers[turns] -= 1
            if not self._callers[turns]:
                del self._callers[turns], self._turns[mine]


writers = Turns(most=MOST_OF_ONE_PERSON)
"""By the person's id: one locked wallet must not hold all the threads that write."""
