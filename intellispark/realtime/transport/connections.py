"""The connection under a WebSocket: frames go out by it, and it tells when its client stops
reading.

ASGI cannot say that: `send` returns at once, and what is not read piles up in the server. So our
server puts a `Connection` of its own into the ASGI scope of each WebSocket, as an extension (see
`daphne.py`). Under another server (`daphne intellispark.asgi:application`, tests) there is none,
and `AsgiConnection` stands in for it: everything works, but a reader that stalls is found by the
server's ping alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

EXTENSION = "intellispark.connection"
AsgiMessage = dict[str, object]


class Connection(Protocol):
    """What frames go out by; see `daphne.py`."""

    writable: bool

    def open(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None: ...
    def send(self, text: str) -> None: ...
    def close(self, code: int) -> None: ...


class AsgiConnection:
    """The same over ASGI's `send`, for servers that are not ours."""

    writable = True

    def __init__(self, send: Callable[[AsgiMessage], Awaitable[None]]) -> None:
        self._send = send
        self._queue: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def open(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None:
        """Nothing to watch."""

    def send(self, text: str) -> None:
        self._put({"type": "websocket.send", "text": text})

    def close(self, code: int) -> None:
        self._put({"type": "websocket.close", "code": code})

    def _put(self, message: AsgiMessage) -> None:
        self._queue.put_nowait(message)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        while not self._queue.empty():
            await self._send(self._queue.get_nowait())
