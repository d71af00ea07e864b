"""The contenders of the realtime figures: servers in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests" / ".cache" / "bench"
PEER_PACKAGES = [
    "python-socketio", "uvicorn", "websockets", "redis", "hiredis", "fastapi", "pyjwt",
    "sqlalchemy[asyncio]", "asyncpg",
]  # fmt: skip
SECRET = "for-measurements-only-0123456789-0123456789"
SIGNING_KEY = sha256(f"api-tokens:{SECRET}".encode()).hexdigest()


class Person(NamedTuple):
    id: str
    session: str
    access: str


@dataclass
class Contender:
    """`request`: the path and headers that open a person's socket. `payload`: the Redis channel
    and message that reach them with `text`. `greet`: what a client says first, if anything."""

    name: str
    command: list[str]
    request: Callable[[Person], tuple[str, dict[str, str]]]
    payload: Callable[[Person, str], tuple[str, bytes]]
    greet: Callable[[Person], str | None] = lambda person: None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, env: dict[str, str]) -> None:
        self.port = free_port()
        command = [part.replace("PORT", str(self.port)) for part in self.command]
        own = {**env, "PORT": str(self.port), "SIGNING_KEY": SIGNING_KEY}
        self.process = subprocess.Popen(
            command, env=own, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{self.name} did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def peers_python() -> str:
    """The Python in which the others are installed; made at the first use."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER_PACKAGES], check=True)
    return str(python)


def _cookie(person: Person) -> tuple[str, dict[str, str]]:
    return "/ws/balance/", {"Cookie": f"sessionid={person.session}", "Origin": "http://HOST"}


def _bearer(person: Person) -> tuple[str, dict[str, str]]:
    return "/ws/balance/", {"Sec-WebSocket-Protocol": f"bearer, {person.access}"}


def _ours(person: Person, text: str) -> tuple[str, bytes]:
    group = f"user.{person.id}"
    message = {"type": "frame.send", "text": text, "slot": "bench"}
    return f"intellispark:group:{group}", msgpack.packb(["another process", group, message])


def _socketio(person: Person, text: str) -> tuple[str, bytes]:
    """As its RedisManager publishes `emit("news", text, room=person)`."""
    message = {
        "method": "emit", "event": "news", "data": text, "namespace": "/",
        "room": person.id, "skip_sid": None, "callback": None, "host_id": "another",
        "binary": False,
    }  # fmt: skip
    return "socketio", json.dumps(message).encode()


def contenders() -> dict[str, Contender]:
    peers = ROOT / "tests" / "bench" / "peers"
    serve = [sys.executable, "manage.py", "serve"]
    stock = [
        sys.executable,
        "-m",
        "daphne",
        "-v0",
        "-p",
        "PORT",
        "tests.bench.peers.stock:application",
    ]
    return {
        each.name: each
        for each in (
            Contender(
                "floor",
                [peers_python(), str(peers / "floor.py")],
                lambda person: (f"/{person.id}", {}),
                lambda person, text: (f"floor:{person.id}", text.encode()),
            ),
            Contender(
                "python-socketio",
                [peers_python(), str(peers / "socketio_app.py")],
                lambda person: ("/socket.io/?EIO=4&transport=websocket", {}),
                _socketio,
                lambda person: "40" + json.dumps({"token": person.access}),
            ),
            Contender(
                "stock Channels",
                stock,
                _cookie,
                lambda person, text: (
                    f"stock__group__user.{person.id}",
                    _stock(text),
                ),
            ),
            Contender("ours", serve, _cookie, _ours),
            Contender("ours, bearer", serve, _bearer, _ours),
        )
    }


def _stock(text: str) -> bytes:
    from channels_redis.serializers import registry

    return registry.get_serializer("msgpack").serialize({"type": "frame.send", "text": text})


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.bench.realtime_settings",
        "DEBUG": "0",
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SQLALCHEMY_URL": database_url.replace("postgres://", "postgresql+asyncpg://"),
    }


@contextmanager
def database(admin_url: str) -> Iterator[str]:
    """A new, empty PostgreSQL database."""
    import psycopg

    name = f"bench_intellispark_realtime_{os.getpid()}"

    def run(*statements: str) -> None:  # on a connection of its own: minutes lie between
        with psycopg.connect(admin_url, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement)

    run(f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        yield f"{admin_url.rpartition('/')[0]}/{name}"
    finally:
        run(f"DROP DATABASE {name} WITH (FORCE)")


def seed(env: dict[str, str], count: int) -> list[Person]:
    run: dict[str, Any] = {"env": env, "cwd": ROOT, "check": True}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], **run)
    command = [sys.executable, "-m", "tests.bench.realtime_seed", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **run)
    return [Person(*row) for row in json.loads(done.stdout)]
