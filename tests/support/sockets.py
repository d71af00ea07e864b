"""A socket to the ASGI application, by one who has time."""

from __future__ import annotations

from typing import Any

from channels.testing import WebsocketCommunicator

PATIENCE_SECS = 60


class PatientSocket(WebsocketCommunicator):
    """Channels' own gives up after a second, which a loaded machine may take."""

    async def connect(self, timeout: float = PATIENCE_SECS) -> tuple[bool, Any]:
        return await super().connect(timeout)

    async def receive_output(self, timeout: float = PATIENCE_SECS) -> dict[str, Any]:
        return await super().receive_output(timeout)

    async def receive_from(self, timeout: float = PATIENCE_SECS) -> Any:
        return await super().receive_from(timeout)

    async def receive_json_from(self, timeout: float = PATIENCE_SECS) -> Any:
        return await super().receive_json_from(timeout)

    async def disconnect(self, code: int = 1000, timeout: float = PATIENCE_SECS) -> None:
        await super().disconnect(code, timeout)
