"""PostgreSQL is restarted under load: whoever was under way hears so, and nothing is lost."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.pages import open_page
from tests.support.postgres import OwnPostgres
from tests.support.server import Server

pytestmark = [pytest.mark.once, pytest.mark.slow]

CLIENTS = 4
PATIENCE_SECS = 120
ROUNDS = 2  # each client's requests before, between and after the restarts


class Browser(threading.Thread):
    """One person who writes, looks at the balance, and opens pages, over and over."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__(daemon=True)
        self.server, self.username = server, name
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self.failures: list[tuple[str, int, str | None, str]] = []
        self.acknowledged: list[str] = []
        self.turns = 0
        self.ending = threading.Event()
        self.error: BaseException | None = None

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """The answer's JSON or text; None, and a failure more, where it is a refusal."""
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_SECS)
        sent = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        line.request(method, path, json.dumps(body) if body is not None else None, sent)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        if answer.status >= 400:
            self.failures.append((path, answer.status, answer.getheader("Retry-After"), text))
            return None
        return json.loads(text) if path.startswith("/api/") else text

    def begin(self) -> None:
        new = {"username": self.username, "email": f"{self.username}@example.com"}
        made = self.ask("POST", "/api/auth/register", {**new, "password": "a-good-pass-phrase-9"})
        self.headers["Authorization"] = f"Bearer {made['access']}"
        (mira, *_) = self.ask("GET", "/api/characters")["results"]
        chat = self.ask("POST", "/api/chats", {"character_id": mira["id"]})
        self.chat = f"/api/chats/{chat['id']}"

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                self.until_it_is_there(f"{self.chat}/messages", {"content": "Hello."})
                self.ask("GET", "/api/payment/user/tokens")
                self.ask("GET", "/characters/")
                self.ask("GET", f"{self.chat}/messages")
                self.turns += 1
        except BaseException as error:  # told by the test, whose thread is another one
            self.error = error

    def until_it_is_there(self, path: str, body: dict[str, str]) -> None:
        key = str(uuid4())
        while self.ask("POST", path, body, key) is None:
            continue
        self.acknowledged.append(key)


def went_on(clients: list[Browser]) -> None:
    """Every one of them has made its rounds since."""
    goals = [client.turns + ROUNDS for client in clients]
    deadline = time.monotonic() + PATIENCE_SECS
    while any(client.turns < goal for client, goal in zip(clients, goals, strict=True)):
        assert [client.error for client in clients if client.error] == []
        assert time.monotonic() < deadline, [client.turns for client in clients]
        time.sleep(0.05)


async def a_page_is_right(server: Server, person: Browser) -> None:
    """One that is opened now hears the balance."""
    page = await open_page(server, access=person.headers["Authorization"].split()[1])
    assert [frame["type"] for frame in page.frames] == ["balance.snapshot"], page.code
    await page.close()


def test_a_restart_fails_the_requests_in_flight_at_most_and_loses_nothing(tmp_path: Path) -> None:
    with (
        OwnPostgres(tmp_path / "postgres") as postgres,
        Server("--prepare", DATABASE_URL=postgres.url, REDIS_URL="") as server,
    ):
        clients = [Browser(server, f"person{number}") for number in range(CLIENTS)]
        for client in clients:
            client.begin()
            client.start()
        went_on(clients)
        assert [client.failures for client in clients if client.failures] == []
        for restarts in (1, 2):
            postgres.restart()
            asyncio.run(a_page_is_right(server, clients[0]))
            went_on(clients)
            for client in clients:
                assert len(client.failures) <= restarts, client.failures
        looker = Browser(server, "looker")
        assert json.loads(looker.ask("GET", "/readyz"))["status"] == "ok"
        for client in clients:
            client.ending.set()
        for client in clients:
            client.join(PATIENCE_SECS)
            assert client.error is None
        for path, status, retry_after, text in [each for c in clients for each in c.failures]:
            assert (status, retry_after) == (503, "3"), (path, text)
            assert not path.startswith("/api/") or json.loads(text)["error"]["retry_after"] == 3
        with psycopg.connect(postgres.url) as database:
            sql = "SELECT count(*) FROM chat_message WHERE role = 'user'"
            (written,) = database.execute(sql).fetchone() or (0,)
        assert written == sum(len(client.acknowledged) for client in clients)
