"""Publishes messages to one Redis without waiting for its answer. While that Redis is away they are
lost, and other processes are told so when it is back.

PUBLISH answers with the number of receivers, which means little. To wait for it costs a debit as
much as its own INSERT, so this connection asks Redis for silence (CLIENT REPLY OFF): a publish is
one write to a socket. Every few seconds it asks for one answer, and reads it when it publishes
next: a Redis that is frozen or was cut off, and whose place another may have taken by now, would
swallow messages for as long as the kernel has room for them.
"""

from __future__ import annotations

import time
from threading import Lock

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from intellispark.realtime.transport.breaker import Breaker
from intellispark.realtime.transport.hosts import Host, bounded, label, thread_pool

logger = structlog.get_logger(__name__)

TIMEOUT_SECS = 0.2
ANSWER_SECS = 5.0  # from one answer to the next question, and from a question to its answer

Message = tuple[str, bytes]
"""A Redis channel, and what is published on it."""


class RedisPublisher:
    """Publishes to one Redis, from any thread; never raises, and never waits for long.

    `loss_notice` is published as soon as Redis can be reached again after a message was lost.
    """

    def __init__(self, host: Host, *, breaker: Breaker, loss_notice: Message) -> None:
        self._redis = label(host)
        self._pool = thread_pool(
            bounded(
                host,
                connect_secs=TIMEOUT_SECS,
                answer_secs=TIMEOUT_SECS,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._connection = self._pool.make_connection()
        self._breaker = breaker
        self._loss_notice = loss_notice
        self._lost = False
        self._answered_at = 0.0
        self._asked_at: float | None = None
        self._lock = Lock()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand one message to the socket; while the breaker is open it is lost."""
        self._send((topic, payload))

    def report_lost(self) -> None:
        """Tell the other processes that they missed something, if they did."""
        if self._lost:
            self._send()

    def _send(self, *messages: Message) -> None:
        with self._lock:
            if not self._breaker.allows():
                self._lost = True
                return
            try:
                self._ensure_connected()
                if self._lost:
                    messages = (*messages, self._loss_notice)
                commands = [("PUBLISH", *message) for message in messages]
                self._connection.send_packed_command(self._connection.pack_commands(commands))
            except redis.RedisError as error:
                self._lost = True
                if self._breaker.failed():
                    logger.warning("publish.failed", redis=self._redis, error=repr(error))
            else:
                self._lost = False
                self._breaker.passed()

    def _ensure_connected(self) -> None:
        """Raises RedisError when there is no connection, and none can be made in time."""
        now = time.monotonic()
        if not self._is_alive(now):
            self._connection.disconnect()
            self._connection.connect()
            self._connection.send_command("CLIENT", "REPLY", "OFF")
            self._answered_at, self._asked_at = now, None
        elif self._asked_at is None and now - self._answered_at > ANSWER_SECS:
            self._connection.send_command("CLIENT", "REPLY", "ON")  # answers, other than OFF
            self._connection.send_command("CLIENT", "REPLY", "OFF")
            self._asked_at = now

    def _is_alive(self, now: float) -> bool:
        if not self._connection.is_connected:
            return False
        try:
            if self._connection.can_read():  # the answer, or the end of the connection
                self._connection.read_response()
                self._answered_at, self._asked_at = now, None
        except redis.RedisError:
            return False
        if self._asked_at is not None and now - self._asked_at > ANSWER_SECS:
            self._lost = True  # whatever was sent since
            return False
        return True
