"""One connection to one Redis for all that a loop listens to there; it mends itself.

channels-redis makes the connection, by whatever kind of host it is, and ends it with the loop. Ours
is the time in between: whatever Redis does (gone, frozen, restarted, flushed, failed over),
`subscribe` returns within `CONFIRM_SECS`, and the topics are subscribed again as soon as Redis
answers. The layer is told then, since messages may have been lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random

import structlog
from channels.exceptions import ChannelFull
from channels_redis.pubsub import RedisSingleShardConnection
from redis.asyncio import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from intellispark.realtime.transport.hosts import Host, bounded, label

logger = structlog.get_logger(__name__)

CONFIRM_SECS = 0.5
CONNECT_SECS = 1.0
PING_SECS = 5.0  # a frozen or unreachable Redis is found after two of them
PAUSES_SECS = (0.1, 0.3, 1.0, 2.0)


class RedisSubscriber(RedisSingleShardConnection):
    """A shard of the loop's `channel_layer`, whose `on_published` is called for every message."""

    def __init__(self, host: Host, channel_layer: object) -> None:
        within = bounded(
            host,
            connect_secs=CONNECT_SECS,
            answer_secs=CONFIRM_SECS,
            retry=Retry(NoBackoff(), 0),
        )
        super().__init__(within, channel_layer)
        self._forget()

    def _forget(self) -> None:
        self._confirmed: dict[str, asyncio.Future[None]] = {}
        self._missing: set[str] = set()  # after an outage: what Redis has still to confirm
        self._orders: list[tuple[str, str]] = []
        self._wake = asyncio.Event()
        self._connected = self._down = False
        self._alive_at = 0.0
        self._want(self.channel_layer.channel_layer.loss_topic)

    async def publish(self, channel: str, message: bytes) -> None:
        """Raises RedisError within CONFIRM_SECS when it cannot be done, however many publish."""
        self._ensure_redis()
        await self._redis.publish(channel, message)

    async def subscribe(self, channel: str) -> None:
        """Listen to it; waits for Redis to confirm, but never longer than CONFIRM_SECS."""
        confirmed = self._confirmed.get(channel) or self._want(channel)
        self._ensure_redis()
        self._ensure_receiver()
        if not confirmed.done() and not self._down:
            await asyncio.wait({confirmed}, timeout=CONFIRM_SECS)

    async def unsubscribe(self, channel: str) -> None:
        """Does not wait for Redis."""
        if self._confirmed.pop(channel, None) is not None:
            self._missing.discard(channel)
            self._order("UNSUBSCRIBE", channel)

    async def flush(self) -> None:
        await super().flush()
        self._forget()

    def _want(self, topic: str) -> asyncio.Future[None]:
        confirmed = self._confirmed[topic] = asyncio.get_running_loop().create_future()
        self._order("SUBSCRIBE", topic)
        return confirmed

    def _order(self, command: str, topic: str) -> None:
        if self._connected:  # else all that is wanted is subscribed once it is
            self._orders.append((command, topic))
            self._wake.set()

    async def _do_receiving(self) -> None:
        attempt = 0
        while True:
            connection = self._redis.connection_pool.make_connection()
            try:
                await self._serve(connection)
            except Exception as error:  # whatever it was, it has to be connected again
                attempt = 0 if not self._down else attempt + 1
                if not self._down:
                    logger.warning(
                        "redis_subscriber.lost", redis=label(self.host), error=repr(error)
                    )
                self._down = True
            finally:
                self._connected = False
                await connection.disconnect(nowait=True)
            pause = PAUSES_SECS[min(attempt, len(PAUSES_SECS) - 1)]
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    async def _serve(self, connection: Connection) -> None:
        """Subscribe to everything, then read and write until the connection fails."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECS):
            await connection.connect()
        self._alive_at = loop.time()
        for topic, confirmed in self._confirmed.items():
            if confirmed.done():
                self._confirmed[topic] = loop.create_future()
        self._missing = set(self._confirmed)
        self._orders = [("SUBSCRIBE", topic) for topic in self._confirmed]
        self._connected = True
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

    async def _write(self, connection: Connection) -> None:
        """Orders as they come, many in one command; a PING when there are none. Raises
        TimeoutError when Redis has answered none of them for long."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_SECS):
                    await self._wake.wait()
            if loop.time() - self._alive_at > 2 * PING_SECS:
                raise TimeoutError("Redis does not answer")
            if not self._wake.is_set():
                await connection.send_command("PING", check_health=False)
            self._wake.clear()
            orders, self._orders = self._orders, []
            while orders:  # neighbours of one kind go together
                command = orders[0][0]
                count = next((i for i, o in enumerate(orders) if o[0] != command), len(orders))
                topics = [topic for _, topic in orders[:count]]
                await connection.send_command(command, *topics, check_health=False)
                orders = orders[count:]

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            kind, *rest = await connection.read_response(timeout=math.inf)
            self._alive_at = loop.time()
            if kind == b"message":
                self._hand_over(rest[0].decode(), rest[1])
            elif kind == b"subscribe":
                self._confirm(rest[0].decode())

    def _hand_over(self, topic: str, payload: bytes) -> None:
        try:
            with contextlib.suppress(ChannelFull):
                self.channel_layer.on_published(topic, payload)
        except Exception:  # one message that nobody understands must not end the reading
            logger.exception("message.failed")

    def _confirm(self, topic: str) -> None:
        confirmed = self._confirmed.get(topic)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)
        self._missing.discard(topic)
        if self._down and not self._missing:
            self._down = False
            logger.info(
                "redis_subscriber.back", redis=label(self.host), topics=len(self._confirmed)
            )
            self.channel_layer.channel_layer.on_loss()


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel them, however often it takes: `asyncio.wait_for`, by which redis-py sends, may lose a
    cancellation before Python 3.12."""
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.05)
