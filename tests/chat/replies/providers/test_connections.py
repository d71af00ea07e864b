"""Connections serve one reply after the other, and belong to their loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pytest_django.fixtures import Settings

from chat.replies.providers import connections
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_ask import collect
from tests.support.openai_peer import DONE, chunk

pytestmark = pytest.mark.once

BODY = chunk("Hi") + chunk(finish="stop") + DONE
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


@asynccontextmanager
async def keeping_server(settings: Settings, *, pause: float) -> AsyncIterator[list[bytes]]:
    """A server that keeps connections open; the heads of the requests, by connection."""
    connected: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(b"")
        mine = len(connected) - 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                connected[mine] += head
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(size)
                writer.write(HEAD + b"Set-Cookie: who=1\r\n\r\n%x\r\n%s\r\n" % (len(BODY), BODY))
                await writer.drain()
                await asyncio.sleep(pause)  # then the end of the body, in a packet of its own
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{port}/v1"
    yield connected
    await OpenAIProvider().close()
    server.close()


async def test_a_connection_serves_one_reply_after_the_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.providers.openai.LINGER_SECS", 60)
    async with keeping_server(settings, pause=0.05) as connected:
        for _ in range(3):
            await collect([])
    assert len(connected) == 1
    assert connected[0].count(b"POST ") == 3
    assert b"cookie" not in connected[0].lower()


async def test_a_closed_provider_opens_new_connections(settings: Settings) -> None:
    async with keeping_server(settings, pause=0) as connected:
        await collect([])
        await OpenAIProvider().close()
        await OpenAIProvider().close()  # again, with nothing to do
        await collect([])
    assert len(connected) == 2


def test_proxies_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    connections._proxy_for.cache_clear()
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intern.example,127.0.0.1")
    assert connections._proxy_for("https://api.example/v1") == "http://proxy.example:3128"
    assert connections._proxy_for("https://intern.example/v1") is None
    assert connections._proxy_for("http://127.0.0.1:11434/v1") is None
    connections._proxy_for.cache_clear()
