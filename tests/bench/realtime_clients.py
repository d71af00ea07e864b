"""Many sockets in one process, with as little of its own as can be: raw streams, no library.

Frames from a server are unmasked and short, so reading them is a header and a slice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.bench.realtime_servers import Contender, Person

TRIES = 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class RawSocket(asyncio.Protocol):
    """`heard(person, text)` for every text frame but the first, which makes `ready`."""

    def __init__(
        self, contender: Contender, person: Person, heard: Callable[[Person, bytes], None]
    ) -> None:
        self.person = person
        self.heard = heard
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._contender = contender
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        path, headers = self._contender.request(self.person)
        host = f"127.0.0.1:{self._contender.port}"
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}",
            *(f"{name}: {value.replace('HOST', host)}" for name, value in headers.items()),
        ]  # fmt: skip
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head[:20]:
                self._fail(head.decode())
                return
            self._upgraded, self._buffer = True, rest
            if greeting := self._contender.greet(self.person):
                self.send(greeting.encode())
        while len(self._buffer) >= 2:
            size, start = self._buffer[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            if len(self._buffer) < start + size:
                return
            opcode, text = self._buffer[0] & 15, self._buffer[start : start + size]
            self._buffer = self._buffer[start + size :]
            self._frame(opcode, text)

    def _frame(self, opcode: int, text: bytes) -> None:
        if opcode == 9:
            self.send(text, opcode=10)
        elif opcode == 8:
            self._fail(f"closed with {text!r}")
        elif text == b"2":  # engine.io's ping
            self.send(b"3")
        elif not self.ready.done():
            # engine.io opens, then socket.io, then the first event comes
            if self._contender.name != "python-socketio" or text.startswith(b"42"):
                self.ready.set_result(None)
        else:
            self.heard(self.person, text)

    def send(self, payload: bytes, opcode: int = 1) -> None:
        """Masked with zeros, which is a mask too. Short frames only, or two bytes of length."""
        size = len(payload)
        length = bytes([128 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self.transport.write(bytes([128 | opcode]) + length + bytes(4) + payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("connection lost")

    def _fail(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))


async def open_all(
    contender: Contender,
    people: list[Person],
    heard: Callable[[Person, bytes], None],
    *,
    at_once: int = 100,
) -> list[RawSocket]:
    """A socket for each of them, `at_once` handshakes at a time."""
    loop = asyncio.get_running_loop()
    turn = asyncio.Semaphore(at_once)

    async def open_one(person: Person) -> RawSocket:
        async with turn:
            for _ in range(TRIES):
                _, socket = await loop.create_connection(
                    lambda: RawSocket(contender, person, heard), "127.0.0.1", contender.port
                )
                try:
                    await asyncio.wait_for(socket.ready, 60)
                except ConnectionError:
                    continue
                return socket
            raise RuntimeError(f"{contender.name} refuses connections")

    return list(await asyncio.gather(*map(open_one, people)))


def close_all(sockets: list[RawSocket]) -> None:
    for socket in sockets:
        socket.transport.abort()
