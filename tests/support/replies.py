"""Asking for replies over the ASGI application, as a client would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from channels.db import aclose_old_connections
from django.test import AsyncClient

from chat.models import Chat, Generation, Message
from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue
from payments.audit.consistent_read import one_snapshot
from payments.models import Wallet


@asynccontextmanager
async def a_request() -> AsyncGenerator[None, None]:
    """As the server has it: a thread for each request, whose connection is closed after."""
    async with ThreadSensitiveContext():
        yield
        await aclose_old_connections()


@dataclass
class Event:
    id: int
    name: str
    data: dict[str, Any]


@dataclass
class Client:
    """An API client with a bearer token, on the test's own loop."""

    user: User
    http: AsyncClient = field(default_factory=AsyncClient)
    headers: dict[str, str] = field(default_factory=dict)

    async def bearer(self) -> dict[str, str]:
        if not self.headers:
            pair = await sync_to_async(issue)(self.user)
            self.headers = {"authorization": f"Bearer {pair['access']}"}
        return self.headers

    async def generate(self, chat: Chat, body: Any = None, *, key: str = "", **headers: str) -> Any:
        """The response, whatever it is."""
        body = {"content": "Hi."} if body is None else body
        headers = {**await self.bearer(), **headers}
        if key:
            headers["idempotency-key"] = key
        async with a_request():
            return await self.http.post(
                f"/api/chats/{chat.pk}/generate",
                data=body,
                content_type="application/json",
                headers=headers,
            )

    async def stream(self, chat: Chat, body: Any = None, *, key: str = "") -> Any:
        return await self.generate(chat, body, key=key, accept="text/event-stream")

    async def promise(self, chat: Chat, body: Any = None, *, key: str = "") -> UUID:
        """The id of a generation that goes on by itself."""
        response = await self.generate(chat, body, key=key, prefer="respond-async")
        assert response.status_code == 202, response.content
        return UUID(response.json()["generation"]["id"])

    async def get(self, path: str, **headers: str) -> Any:
        return await self.send("get", path, **headers)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        call = getattr(self.http, method.lower())
        headers = {**await self.bearer(), **headers}
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        async with a_request():
            return await call(path, headers=headers, **sent)

    async def stop(self, generation_id: UUID) -> Any:
        return await self.send("post", f"/api/generations/{generation_id}/stop")

    async def state(self, generation_id: UUID) -> dict[str, Any]:
        return (await self.get(f"/api/generations/{generation_id}")).json()

    async def events(self, generation_id: UUID, last_id: int | None = None) -> list[Event]:
        """The whole stream from there to its end."""
        headers = {} if last_id is None else {"last-event-id": str(last_id)}
        return await read(await self.get(f"/api/generations/{generation_id}/events", **headers))


async def read(response: Any) -> list[Event]:
    """The events of a stream, read to its end."""
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/event-stream")
    return parse("".join([part.decode() async for part in response.streaming_content]))


def parse(body: str) -> list[Event]:
    found = []
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in lines:
            found.append(Event(int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


def text_of(events: list[Event]) -> str:
    return "".join(event.data["text"] for event in events if event.name == "delta")


async def until(true: Callable[[Facts], bool], chat: Chat, *, secs: float = 60) -> Facts:
    """The facts, once they are so."""
    async with asyncio.timeout(secs):
        while not true(found := await facts(chat)):  # noqa: ASYNC110  the database rings no bell
            await asyncio.sleep(0.01)
    return found


@dataclass
class Facts:
    """What the database says."""

    balance: int
    held: int
    generations: list[Generation]
    messages: list[Message]


@sync_to_async
@one_snapshot()
def facts(chat: Chat) -> Facts:
    """At one moment: a reply that is just being settled is seen before that, or after it."""
    wallet = Wallet.objects.get(pk=chat.user_id)
    return Facts(
        wallet.balance,
        wallet.held,
        list(Generation.objects.filter(chat=chat).order_by("created_at")),
        list(chat.messages.order_by("number")),
    )
