"""One connection to Redis for all that a loop listens to; it mends itself.

Whatever Redis does (gone, frozen, restarted, flushed), `add` returns within `CONFIRM_SECS`, and the
topics are subscribed again as soon as Redis answers. `returned` is called then, since messages may
have been lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Callable
from typing import Any

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

CONFIRM_SECS = 0.5
CONNECT_SECS = 1.0
PING_SECS = 5.0  # a frozen or unreachable Redis is found after two of them
PAUSES_SECS = (0.1, 0.3, 1.0, 2.0)


class Subscriptions:
    """`heard(topic, payload)` is called on the loop for every message on a topic."""

    def __init__(
        self, url: str, *, heard: Callable[[str, bytes], None], returned: Callable[[], None]
    ) -> None:
        options: dict[str, Any] = {
            "protocol": 2,
            "socket_connect_timeout": CONNECT_SECS,
            "retry": Retry(NoBackoff(), 0),
        }
        self._pool = redis.asyncio.ConnectionPool.from_url(url, **options)
        self._publisher = redis.asyncio.Redis.from_url(url, socket_timeout=CONFIRM_SECS, **options)
        self._heard = heard
        self._returned = returned
        self._topics: set[str] = set()
        self._confirmed: dict[str, asyncio.Future[None]] = {}
        self._orders: list[tuple[str, str]] = []
        self._wake = asyncio.Event()
        self._down = False
        self._alive_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def add(self, topic: str) -> None:
        """Listen to `topic`; waits for Redis to confirm, but never longer than CONFIRM_SECS."""
        confirmed = self._confirmed.get(topic)
        if confirmed is None:
            confirmed = self._confirmed[topic] = asyncio.get_running_loop().create_future()
            self._topics.add(topic)
            self._order("SUBSCRIBE", topic)
        if not confirmed.done() and not self._down:
            await asyncio.wait({confirmed}, timeout=CONFIRM_SECS)

    def remove(self, topic: str) -> None:
        self._topics.discard(topic)
        self._confirmed.pop(topic, None)
        self._order("UNSUBSCRIBE", topic)

    async def publish(self, topic: str, payload: bytes) -> None:
        """Raises RedisError within CONFIRM_SECS when it cannot be done."""
        await self._publisher.publish(topic, payload)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._publisher.aclose()

    def _order(self, command: str, topic: str) -> None:
        self._orders.append((command, topic))
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            connection = self._pool.make_connection()
            try:
                await self._serve(connection)
            except (RedisError, OSError, TimeoutError) as error:
                attempt = 0 if not self._down else attempt + 1
                if not self._down:
                    logger.warning("subscriptions.lost", error=repr(error))
                self._down = True
            finally:
                await connection.disconnect(nowait=True)
            pause = PAUSES_SECS[min(attempt, len(PAUSES_SECS) - 1)]
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    async def _serve(self, connection: Any) -> None:
        """Subscribe to everything, then read and write until the connection fails."""
        async with asyncio.timeout(CONNECT_SECS):
            await connection.connect()
        self._alive_at = asyncio.get_running_loop().time()
        for topic, confirmed in self._confirmed.items():
            if confirmed.done():
                self._confirmed[topic] = asyncio.get_running_loop().create_future()
        self._orders = [("SUBSCRIBE", topic) for topic in self._topics]
        self._wake.set()
        writer = asyncio.create_task(self._write(connection))
        reader = asyncio.create_task(self._read(connection))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(reader, writer)
        for task in (reader, writer):
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _write(self, connection: Any) -> None:
        """Instruction as they come, many in one command; a PING when there are none."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(PING_SECS):
                    await self._wake.wait()
            except TimeoutError:
                if loop.time() - self._alive_at > 2 * PING_SECS:
                    raise
                await connection.send_command("PING", check_health=False)
                continue
            self._wake.clear()
            orders, self._orders = self._orders, []
            while orders:  # neighbours of one kind go together
                command = orders[0][0]
                count = next((i for i, o in enumerate(orders) if o[0] != command), len(orders))
                topics = [topic for _, topic in orders[:count]]
                await connection.send_command(command, *topics, check_health=False)
                orders = orders[count:]

    async def _read(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        while True:
            kind, *rest = await connection.read_response(timeout=math.inf)
            self._alive_at = loop.time()
            if kind == b"message":
                try:
                    self._heard(rest[0].decode(), rest[1])
                except Exception:  # one message that nobody understands must not end the reading
                    logger.exception("message.failed")
            elif kind == b"subscribe":
                confirmed = self._confirmed.get(rest[0].decode())
                if confirmed is not None and not confirmed.done():
                    confirmed.set_result(None)
                if self._down and all(each.done() for each in self._confirmed.values()):
                    self._down = False
                    logger.info("subscriptions.back", topics=len(self._topics))
                    self._returned()


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel them, however often it takes: `asyncio.wait_for`, by which redis-py sends, may lose a
    cancellation before Python 3.12."""
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.05)
