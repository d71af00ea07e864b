"""Counts the statements that a server sends to PostgreSQL, whatever client it uses.

A proxy between the two that reads the frontend's messages (PostgreSQL's documentation, chapter
"Frontend/Backend Protocol"): nothing has to be built into the server, and BEGIN and COMMIT are
seen too. The connection must be in plain text (`sslmode=disable`).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

OBJECT = re.compile(r'(?:INTO|UPDATE|FROM)\s+(?:ONLY\s+)?"?(\w+)', re.IGNORECASE)
NAMED = {"SELECT", "INSERT", "UPDATE", "DELETE"}


class Tap:
    """What passed by since the last `take`, by name: `INSERT chat_message`, `COMMIT` …"""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._seen: Counter[str] = Counter()
        self.clients: set[asyncio.Task[None] | None] = set()

    def take(self) -> Counter[str]:
        seen, self._seen = self._seen, Counter()
        return seen

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(asyncio.current_task())
        up_reader, up_writer = await asyncio.open_connection(*self._server)
        back = asyncio.create_task(_copy(up_reader, writer))
        try:
            await self._forward(reader, up_writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        finally:
            up_writer.close()
            await back

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        prepared: dict[bytes, str] = {}
        size = await reader.readexactly(4)  # the first message has no type
        writer.write(size + await reader.readexactly(int.from_bytes(size) - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            writer.write(head + body)
            kind = head[:1]
            if kind == b"Q":  # a simple query
                self._seen[named(body[:-1].decode())] += 1
            elif kind == b"P":  # parse: the name, the text
                name, text, *_ = body.split(b"\0")
                prepared[name] = named(text.decode())
            elif kind == b"B":  # bind: the portal, the name
                self._seen[prepared[body.split(b"\0")[1]]] += 1


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


def named(sql: str) -> str:
    """The statement's verb and its first table."""
    verb, *rest = sql.replace('"', " ").split(None, 2)[:2]
    verb = verb.upper().rstrip(";")
    if verb not in NAMED:
        return " ".join([verb, *(word.upper() for word in rest if word.upper() == "SAVEPOINT")])
    found = OBJECT.search(sql)
    lock = next((lock for lock in ("FOR NO KEY UPDATE", "FOR UPDATE") if lock in sql), "")
    return " ".join(filter(None, [verb, found[1] if found else "", lock]))


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[tuple[Tap, str]]:
    """The tap, and the URL of the same database through it. Its clients must be gone at the end."""
    parts = urlsplit(url)
    tap = Tap(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(tap.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = f"{parts.username}:{parts.password}@" if parts.password else f"{parts.username}@"
    yield tap, urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}", query="sslmode=disable"))
    server.close()
    await asyncio.gather(*filter(None, tap.clients))
