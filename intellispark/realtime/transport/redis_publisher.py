"""A Redis connection for messages whose answer nobody reads.

PUBLISH answers with the number of receivers, which means little. To wait for it costs a debit as
much as its own INSERT, so this connection asks Redis for silence (CLIENT REPLY OFF): a publish
is one write to a socket. What gets lost is found by the version beacon, as ever.
"""

from __future__ import annotations

from threading import Lock

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class RedisPublisher:
    """Sends commands without waiting. Safe to share between threads; one message at a time."""

    def __init__(self, url: str, *, timeout_secs: float) -> None:
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout_secs,
            socket_connect_timeout=timeout_secs,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        self._connection = self._pool.make_connection()
        self._lock = Lock()

    def send(self, *command: str | bytes) -> None:
        """Hand the command to the socket. Raises RedisError when that cannot be done in time."""
        with self._lock:
            if not self._usable():
                self._connection.disconnect()
                self._connection.connect()
                self._connection.send_command("CLIENT", "REPLY", "OFF")
            self._connection.send_packed_command(self._connection.pack_command(*command))

    def _usable(self) -> bool:
        """Silence is all that a good connection has to say: what can be read is its end."""
        if not self._connection.is_connected:
            return False
        try:
            return not self._connection.can_read()
        except redis.RedisError:
            return False
