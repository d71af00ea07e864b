"""What is under a socket: the connection's write buffer, and a way past ASGI's queues to it.

ASGI cannot say whether a client still reads: `send` returns at once, and what is not read piles
up in the server. So our server puts a `DaphneConnection` into the ASGI scope of each WebSocket, as
an extension. Under another server (`daphne intellispark.asgi:application`, tests) there is none,
and `AsgiConnection` stands in for it: everything works, but a reader that stalls is found by the
server's ping alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from autobahn.websocket import protocol
from daphne import http_protocol
from daphne.server import Server

EXTENSION = "intellispark.connection"
KERNEL_BUFFER_BYTES = 16_384  # Linux doubles it; its own choice may be megabytes for each socket
BUFFER_BYTES = 4_096
FIN_TEXT = 0x81


class DaphneConnection:
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
        self._forget_handshake()
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
            _write(self._protocol.transport, _frame(text.encode()))

    def close(self, code: int) -> None:
        """Ask the client to close. One that does not answer within a second is cut off."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.transport.unregisterProducer()
            self._protocol.sendCloseFrame(code=code)  # sendClose refuses 1012

    def _forget_handshake(self) -> None:
        """The request, with what it showed: kilobytes for as long as the page is open."""
        self._protocol.http_headers.clear()
        self._protocol.websocket_protocols.clear()
        self._protocol.http_request_data = b""

    def pauseProducing(self) -> None:
        self.writable = False
        self._paused()

    def resumeProducing(self) -> None:
        self.writable = True
        self._resumed()

    def stopProducing(self) -> None:
        self.writable = False


def _frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text message (RFC 6455, 5.2)."""
    if len(payload) < 126:
        return struct.pack("!BB", FIN_TEXT, len(payload)) + payload
    if len(payload) < 1 << 16:
        return struct.pack("!BBH", FIN_TEXT, 126, len(payload)) + payload
    return struct.pack("!BBQ", FIN_TEXT, 127, len(payload)) + payload


def _write(transport: Any, data: bytes) -> None:
    """Straight to the kernel, and by the reactor what that does not take at once.

    The reactor would put every write into its next round and tell epoll of it twice: as much work
    as all the rest of a frame.
    """
    if not (transport.dataBuffer or transport._tempDataBuffer):
        sent = transport.writeSomeData(data)
        if isinstance(sent, int):  # else the connection is lost, which the reactor will find
            data = data[sent:]
    if data:
        transport.write(data)


class AsgiConnection:
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


class DaphneServer(Server):
    """Daphne with a `DaphneConnection` in each WebSocket's scope; bodies are left to Django."""

    def run(self) -> None:
        # Autobahn dresses up what it says at debug level whether or not anybody reads it: a third
        # of what a connect costs.
        plain = {name: lambda value: value for name in ("pformat", "hltype", "hlval")}
        vars(protocol).update(plain)
        # Twisted would read forms too, for nobody, and answer those it cannot read by an empty 400.
        unread = partial(http_protocol.WebRequest, parsePOSTFormSubmission=False)
        vars(http_protocol).update(WebRequest=unread)
        super().run()

    def create_application(self, connection: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {EXTENSION: DaphneConnection(connection)}
        return super().create_application(connection, scope)
