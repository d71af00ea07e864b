"""python-socketio as its documentation has it: Redis manager, a room for each person, JWT."""

from __future__ import annotations

import os
from typing import Any

import jwt
import socketio
import uvicorn

manager = socketio.AsyncRedisManager(os.environ["REDIS_URL"])
server = socketio.AsyncServer(
    async_mode="asgi", client_manager=manager, cors_allowed_origins="*", http_compression=False
)


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
    claims = jwt.decode(auth["token"], os.environ["SIGNING_KEY"], algorithms=["HS256"])
    await server.enter_room(sid, claims["user_id"])
    await server.emit("hello", to=sid)


uvicorn.run(
    socketio.ASGIApp(server),
    port=int(os.environ["PORT"]),
    log_level="error",
    ws="websockets",
    ws_per_message_deflate=False,
)
