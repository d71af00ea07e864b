"""The floor of a push: a bare `websockets` server that forwards what Redis publishes.

No accounts, no database, no second process: `/<user>` is told what is published on `floor:<user>`.
"""

from __future__ import annotations

import asyncio
import os

import redis.asyncio
from websockets.asyncio.server import ServerConnection, serve

rooms: dict[bytes, set[ServerConnection]] = {}
pubsub = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]).pubsub()


async def handle(socket: ServerConnection) -> None:
    assert socket.request is not None
    topic = b"floor:" + socket.request.path[1:].encode()
    rooms.setdefault(topic, set()).add(socket)
    await pubsub.subscribe(topic)
    await socket.send('{"type":"hello"}')
    await socket.wait_closed()
    rooms[topic].discard(socket)


async def main() -> None:
    await pubsub.subscribe("floor:none")
    async with serve(handle, "127.0.0.1", int(os.environ["PORT"]), compression=None):
        async for message in pubsub.listen():
            if message["type"] == "message":
                for socket in rooms.get(message["channel"], ()):
                    await socket.send(message["data"].decode())


asyncio.run(main())
