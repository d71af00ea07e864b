"""What is under a socket: the connection's write buffer, and a way past ASGI's queues to it.

ASGI cannot say whether a client still reads: `send` returns at once, and what is not read piles
up in the server. So our server hands each WebSocket its `Wire` in the ASGI scope, as an extension.
Under another server (`daphne intellispark.asgi:application`, tests) there is none, and `Plain`
stands in for it: everything works, but a reader that stalls is found by the server's ping alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from autobahn.websocket import protocol
from daphne import http_protocol
from daphne.server import Server

EXTENSION = "intellispark.wire"
KERNEL_BUFFER_BYTES = 16_384  # Linux doubles it; its own choice may be megabytes for each socket
BUFFER_BYTES = 4_096


class Wire:
    """A Daphne connection. Tells its owner when the client stops reading, and when it goes on."""

    __slots__ = ("_paused", "_protocol", "_resumed", "writable")

    def __init__(self, connection: Any) -> None:
        self._protocol = connection
        self._paused: Callable[[], None] = lambda: None
        self._resumed: Callable[[], None] = lambda: None
        self.writable = True

    def open(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None:
        """Begin to watch the write buffer, as a Twisted push producer."""
        self._paused, self._resumed = paused, resumed
        transport = self._protocol.transport
        transport.bufferSize = BUFFER_BYTES
        with contextlib.suppress(AttributeError, OSError):  # not a TCP socket, or gone already
            transport.getHandle().setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES
            )
        transport.unregisterProducer()  # the HTTP channel, which this connection has left
        transport.registerProducer(self, True)

    def send(self, text: str) -> None:
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendMessage(text.encode())
            # Not when the loop has come round once more: that is a sixth of the way from a commit
            # to the page. What does not go now, or fails, stays the reactor's.
            self._protocol.transport.doWrite()

    def close(self, code: int) -> None:
        """Ask the client to close. One that does not answer within a second is cut off."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.transport.unregisterProducer()
            self._protocol.sendCloseFrame(code=code)  # sendClose refuses 1012

    def pauseProducing(self) -> None:
        self.writable = False
        self._paused()

    def resumeProducing(self) -> None:
        self.writable = True
        self._resumed()

    def stopProducing(self) -> None:
        self.writable = False


class Plain:
    """The same over ASGI's `send`, for servers that are not ours."""

    writable = True

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def open(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None:
        """Nothing to watch."""

    def send(self, text: str) -> None:
        self._put({"type": "websocket.send", "text": text})

    def close(self, code: int) -> None:
        self._put({"type": "websocket.close", "code": code})

    def _put(self, message: dict[str, Any]) -> None:
        self._queue.put_nowait(message)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        while not self._queue.empty():
            await self._send(self._queue.get_nowait())


class WiredServer(Server):
    """Daphne, with a `Wire` in the scope of every WebSocket, and all bodies left to Django."""

    def run(self) -> None:
        # Autobahn pretty-prints its options for a debug line at every connect, whether or not
        # anybody reads it: a third of what a connect costs.
        vars(protocol).update(pformat=lambda _options: "")
        # Twisted would read forms too, for nobody, and answer those it cannot read by an empty 400.
        unread = partial(http_protocol.WebRequest, parsePOSTFormSubmission=False)
        vars(http_protocol).update(WebRequest=unread)
        super().run()

    def create_application(self, connection: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {EXTENSION: Wire(connection)}
        return super().create_application(connection, scope)
