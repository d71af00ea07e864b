"""A socket to the ASGI application, by one who has time and lets connections go."""

from __future__ import annotations

from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator

PATIENCE_SECS = 60


class PatientSocket(WebsocketCommunicator):
    """Channels' own gives up after a second, which a loaded machine may take. And while it waits,
    no thread closes its connection to the database, for tests that are a transaction: ours are
    none, and each thread of a test that is over would keep one of the pool's.
    """

    async def send_input(self, message: dict[str, Any]) -> None:
        await ApplicationCommunicator.send_input(self, message)

    async def connect(self, timeout: float = PATIENCE_SECS) -> tuple[bool, Any]:
        return await super().connect(timeout)

    async def receive_output(self, timeout: float = PATIENCE_SECS) -> dict[str, Any]:
        return await ApplicationCommunicator.receive_output(self, timeout)

    async def receive_from(self, timeout: float = PATIENCE_SECS) -> Any:
        return await super().receive_from(timeout)

    async def receive_json_from(self, timeout: float = PATIENCE_SECS) -> Any:
        return await super().receive_json_from(timeout)

    async def disconnect(self, code: int = 1000, timeout: float = PATIENCE_SECS) -> None:
        await super().disconnect(code, timeout)
