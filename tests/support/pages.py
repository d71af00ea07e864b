"""Open pages, as far as a server sees them: sockets that keep what they hear."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from intellispark.accounts.models import User
from tests.support.server import Server


def signed_in(user: User) -> str:
    """The key of a new session of that person."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Page:
    """One socket. `version` and `available` are what a page would show."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                self.frames.append(json.loads(text))
                self._news.set()
        except ConnectionClosed:
            pass
        self.code = self.socket.close_code
        self._news.set()

    async def until(self, holds: Callable[[], Any], secs: float) -> None:
        """Wait until `holds()`; fails after `secs`."""
        async with asyncio.timeout(secs):
            while not holds():
                await self._news.wait()
                self._news.clear()

    @property
    def version(self) -> int:
        """The newest version that this page has heard of, beacons included."""
        return max((f["version"] for f in self.frames if "version" in f), default=0)

    async def close(self) -> None:
        await self.socket.close()
        await self._reader


async def open_page(server: Server, key: str = "", *, access: str = "", secs: float = 60) -> Page:
    """A page whose first frame has come, by a session's key or an access token."""
    shown: dict[str, Any] = {"subprotocols": ["bearer", access]}
    if key:
        cookie = f"{settings.SESSION_COOKIE_NAME}={key}"
        shown = {"origin": server.url, "additional_headers": {"Cookie": cookie}}
    socket = await connect(
        f"ws://127.0.0.1:{server.port}/ws/balance/",
        open_timeout=secs,
        compression=None,
        ping_interval=None,  # as browsers: the server asks, they answer
        **shown,
    )
    page = Page(socket)
    await page.until(lambda: page.frames or page.code, secs)
    return page


async def open_pages(user: User, *servers: Server) -> list[Page]:
    """A page on each server, each in a session of its own."""
    keys = [await sync_to_async(signed_in)(user) for _ in servers]
    return [await open_page(server, key) for server, key in zip(servers, keys, strict=True)]
