"""HTTP as `manage.py serve` speaks it: what a stranger sends is bounded while it is received.

Daphne hands a request on when all of it is there, so without bounds of its own a head may take for
ever, and a body of any size lies on the disk before Django refuses it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.internet.protocol import connectionDone
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol

LINGER_SECS = 2.0  # for a client to read why it was refused, before it is cut off
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
CODES = {400: "malformed_request", 503: "unavailable"}

AddressOf = Callable[[str], str | None]
"""Whose connection a peer's is; None where connections are not counted."""


class BoundedRequest(WebRequest):
    """Answers as soon as the body is known to be too large, and drops what still comes of it."""

    refused = False

    def gotLength(self, length: int | None) -> None:
        """The head is there. `length` is None for a chunked body."""
        super().gotLength(0 if _too_large(length) else length)
        if _too_large(length):
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        if self.refused:
            return
        if _too_large(self.content.tell() + len(data)):
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self.refused:  # else it was handed on before its end
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        """Hand it on without its body: by its length Django answers with our 413."""
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"Expect")
        self.requestHeaders.removeHeader(b"Transfer-Encoding")
        length = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1).encode()
        self.requestHeaders.setRawHeaders(b"Content-Length", [length])
        self.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        channel = self.channel
        super().requestReceived(channel._command, channel._path, channel._version)
        self.refused = True

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """What Daphne refuses by itself: for the API in its error body."""
        if not self.uri.startswith(b"/api/"):
            super().basic_error(status, status_text, body)
            return
        error = {"code": CODES.get(status, "server_error"), "detail": body, "request_id": ""}
        text = json.dumps({"error": error}).encode()
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(text)).encode()),
            (b"Cache-Control", b"no-store"),
        ]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": text})


class BoundedChannel(HTTPChannel):
    """Twisted's, which by itself only minds that something comes once a minute."""

    left: Callable[[], None] | None = None
    """To be called when the connection is gone, whatever protocol it has by then."""
    transport: Any  # Twisted's interfaces are no types
    _deadline: asyncio.TimerHandle | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        if self.left is not None:
            self.transport.connectionLost = _followed_by(self.left, self.transport.connectionLost)

    def dataReceived(self, data: bytes) -> None:
        self._begin()
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        self._begin()  # what came while the last request was answered
        super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        self._bound(settings.REQUEST_BODY_SECS)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self._bound(None)
        super().allContentReceived()

    def requestDone(self, request: BoundedRequest) -> None:
        if not request.refused:
            super().requestDone(request)
            return
        self.requests.remove(request)
        self.dataReceived = lambda data: None  # type: ignore[method-assign]  # not looked at
        self.transport.loseWriteConnection()
        self._bound(LINGER_SECS)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._bound(None)
        super().connectionLost(reason)

    def _begin(self) -> None:
        if self._deadline is None and not self._handlingRequest:
            self._bound(settings.REQUEST_HEAD_SECS)

    def _bound(self, secs: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        loop = asyncio.get_running_loop()  # Twisted's reactor runs on it
        self._deadline = None if secs is None else loop.call_later(secs, self._out_of_time)

    def _out_of_time(self) -> None:
        if self.requests and not self.requests[-1].refused:
            self.transport.write(TIMED_OUT)
            self.transport.loseConnection()
        else:
            self.transport.abortConnection()


class BoundedFactory:
    """Makes Daphne's factory build the above, and count the connections of each address."""

    def __init__(self, factory: HTTPFactory, address_of: AddressOf) -> None:
        self._build, self._address_of = factory.buildProtocol, address_of
        self._open: Counter[str] = Counter()
        factory.protocol = self._channel
        factory.buildProtocol = self.build

    def build(self, peer: Any) -> Any:
        """The protocol of a new connection; None, which closes it, for one too many."""
        address = self._address_of(peer.host) if hasattr(peer, "host") else None
        if address is not None and self._open[address] >= settings.CONNECTIONS_PER_ADDRESS:
            return None
        protocol = self._build(peer)
        protocol.requestFactory = BoundedRequest
        if address is not None:
            self._open[address] += 1
            protocol._channel.left = lambda: self._leave(address)
        return protocol

    def _leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    @staticmethod
    def _channel() -> _GenericHTTPChannelProtocol:
        return _GenericHTTPChannelProtocol(BoundedChannel())


def _followed_by(
    then: Callable[[], None], lost: Callable[[object], None]
) -> Callable[[object], None]:
    def connection_lost(reason: object) -> None:
        lost(reason)
        then()

    return connection_lost


def _too_large(length: int | None) -> bool:
    return length is not None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
