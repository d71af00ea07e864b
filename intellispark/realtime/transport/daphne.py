"""Daphne as `manage.py serve` runs it: each WebSocket's scope has a `Connection` of ours.

It knows the connection's write buffer, and a way past ASGI's queues to it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable

from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IListeningPort

from intellispark.realtime.identity import Scope
from intellispark.realtime.transport.connections import EXTENSION
from intellispark.realtime.transport.http import AddressOf, BoundedFactory

KERNEL_BUFFER_BYTES = 16_384  # Linux doubles it; its own choice may be megabytes for each socket
BUFFER_BYTES = 4_096
FIN_TEXT = 0x81


class DaphneServer(Server):
    """Daphne with bounds (`http.py`), and a `DaphneConnection` in each WebSocket's scope. Bodies
    are left to Django."""

    def __init__(self, *args: object, address_of: AddressOf, **options: object) -> None:
        self._address_of = address_of
        super().__init__(*args, **options)

    def listen_success(self, port: IListeningPort) -> None:
        """Daphne calls it when its factories are made, before anybody is connected."""
        super().listen_success(port)
        BoundedFactory(self.http_factory, self._address_of)
        self.ws_factory.protocol = _with_options_of(self.ws_factory)

    def protocol_connected(self, protocol: WebRequest | WebSocketProtocol) -> None:
        if isinstance(protocol, WebRequest):
            # Twisted would read forms too, for nobody, and answer those it cannot read by an
            # empty 400.
            protocol._parsePOSTFormSubmission = False
        super().protocol_connected(protocol)

    def create_application(self, protocol: WebRequest | WebSocketProtocol, scope: Scope) -> object:
        if scope["type"] == "websocket":
            scope["extensions"] = {EXTENSION: DaphneConnection(protocol)}
        return super().create_application(protocol, scope)


def _with_options_of(factory: WebSocketFactory) -> type[WebSocketProtocol]:
    """A protocol that has the factory's options in its class.

    Autobahn would copy all thirty of them to each connection, and print them for a debug line
    whether or not anybody reads it: a fifth of what a connect costs.
    """
    options = {name: getattr(factory, name) for name in WebSocketProtocol.CONFIG_ATTRS}
    own = {name: staticmethod(each) if callable(each) else each for name, each in options.items()}
    return type("WebSocket", (WebSocketProtocol,), {**own, "CONFIG_ATTRS": ()})


class DaphneConnection:
    """A Daphne connection. Tells its owner when the client stops reading, and when it goes on."""

    __slots__ = ("_paused", "_protocol", "_resumed", "writable")

    def __init__(self, connection: WebSocketProtocol) -> None:
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


def _write(transport: FileDescriptor, data: bytes) -> None:
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
