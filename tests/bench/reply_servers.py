"""Checkouts of this project that serve side by side, each on a database of its own.

What is asked of a checkout is `manage.py migrate`, `load_characters`, `collectstatic` and `serve`,
the API, and the imports of `realtime_seed.py`: older ones can be measured beside this one.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from tests.bench.databases import ROOT, empty_postgres, environment
from tests.bench.reply_client import PATIENCE_SECS, Question, question_in_chat
from tests.support.ports import free_port

START_SECS = 60
TIMEOUTS = ("AI_FIRST_TOKEN_TIMEOUT", "AI_IDLE_TIMEOUT", "AI_TOTAL_TIMEOUT")


class Person(NamedTuple):
    """A key of a session, and an access token."""

    session: str
    access: str


@dataclass
class Server:
    """`manage.py serve` of a checkout, in production settings and without rate limits."""

    name: str
    folder: Path
    url: str
    env: dict[str, str]
    port: int = 0
    pid: int = 0
    chats: Iterator[tuple[str, str]] = field(default_factory=lambda: iter(()))

    @contextmanager
    def serving(self, **env: str) -> Iterator[None]:
        """Serves until the block ends."""
        self.port = free_port()
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        with TemporaryFile() as log:
            process = subprocess.Popen(
                command, env=self.env | env, cwd=self.folder, stdout=log, stderr=log
            )
            try:
                self.pid = process.pid
                self._wait(process, log)
                yield
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def questions(self, count: int, content: str) -> list[Question]:
        """As many, each in the chat of somebody else."""
        pairs = [next(self.chats) for _ in range(count)]
        return [question_in_chat(self.port, chat, access, content) for chat, access in pairs]

    def open_chats(self, people: list[Person]) -> None:
        """One chat for each of these people. `questions` goes round them."""
        tokens = [person.access for person in people]
        (character, *_) = self._call("GET", "/api/characters", tokens[0])["results"]
        body = {"character_id": character["id"]}
        opened = [(self._call("POST", "/api/chats", each, body)["id"], each) for each in tokens]
        self.chats = cycle(opened)

    def _call(self, method: str, path: str, access: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said)

    def _wait(self, process: subprocess.Popen[bytes], log: Any) -> None:
        deadline = time.monotonic() + START_SECS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=5).connect()
            except OSError:
                time.sleep(0.1)
            else:
                return
        log.seek(0)
        raise RuntimeError(f"{self.name} did not start: {log.read()[-2_000:].decode()}")


@contextmanager
def checkout(number: int, folder: Path, model_url: str) -> Iterator[Server]:
    """The checkout in that folder with an empty database: not served yet, and without people."""
    with empty_postgres(f"reply_{number}") as url:
        env = environment(url) | {
            "DJANGO_SETTINGS_MODULE": "intellispark.settings",
            "ALLOWED_HOSTS": "127.0.0.1",
            "RATE_LIMITS": "off",
            "WELCOME_TOKENS": "1000000",
            "AI_PROVIDER": "openai",
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": "none",
            "OPENAI_MODEL": "bench",
            **dict.fromkeys(TIMEOUTS, str(PATIENCE_SECS)),
            "PYTHONPATH": str(folder),
        }
        for command in (["migrate"], ["load_characters"], ["collectstatic", "--noinput"]):
            subprocess.run(
                [sys.executable, "manage.py", *command, "--verbosity", "0"],
                env=env,
                cwd=folder,
                check=True,
            )
        yield Server(_name(folder), folder, url, env)


def sign_up(server: Server, count: int) -> list[Person]:
    """As many new people."""
    # -P: it imports the modules of that checkout, not those beside the script.
    command = [sys.executable, "-P", str(ROOT / "tests/bench/realtime_seed.py"), str(count)]
    done = subprocess.run(
        command, env=server.env, cwd=server.folder, check=True, capture_output=True
    )
    return [Person(session, access) for _, session, access in json.loads(done.stdout)]


def _name(folder: Path) -> str:
    if folder == ROOT:
        return "ours"
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True
    )
    return found.stdout.strip() or folder.name
