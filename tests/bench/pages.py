"""(p) Pages and lists as a signed-in person asks for them: CPU, statements, weight when cold.

`manage.py serve` in production settings, PostgreSQL and Redis, one request at a time on one
connection; a person with one chat of forty messages. CPU is the server process's. A cold page is
opened by Chromium with nothing in its cache: what came over the network until it is idle.
`BENCH_AGAINST` names the folder of another checkout, which then takes turns with this one.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median, median_low

from tests.bench.databases import ROOT
from tests.bench.processes import cpu_secs
from tests.bench.reply_client import one_after_another
from tests.bench.reply_provider import provider, wording
from tests.bench.reply_servers import Person, Server, checkout, sign_up
from tests.bench.statements_tap import tapped
from tests.support.engines import chromium_path
from tests.support.ports import free_port

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
ASKED = 60  # times a round
COUNTED = 5
EXCHANGES = 20

Figures = dict[str, dict[str, list[float]]]  # by what, by whom, round by round


def run() -> str:
    against = os.environ.get("BENCH_AGAINST", "")
    folders = [ROOT, *([Path(against).resolve()] if against else [])]
    with ExitStack() as stack:
        model_url = stack.enter_context(provider(free_port()))
        servers = [
            stack.enter_context(checkout(number, folder, model_url))
            for number, folder in enumerate(folders)
        ]
        people = [sign_up(server, 1)[0] for server in servers]
        with ExitStack() as serving:
            for server, person in zip(servers, people, strict=True):
                serving.enter_context(server.serving())
                server.open_chats([person])
                said = server.questions(EXCHANGES, wording(chunks=20, gap_ms=0))
                asyncio.run(one_after_another(said, at_once=1))
            paths = [_paths(next(server.chats)[0]) for server in servers]
            figures = _rounds(servers, people, paths)
            weights = [
                _weights(server, person, _paths(next(server.chats)[0]))
                for server, person in zip(servers, people, strict=True)
            ]
        counts = [
            asyncio.run(_statements(server, person, these))
            for server, person, these in zip(servers, people, paths, strict=True)
        ]
    return _table(figures, counts, weights, servers)


def _paths(chat: str) -> dict[str, str]:
    """By name; those under `/api/` are asked for with a bearer token, others with a session."""
    return {
        "`/healthz`": "/healthz",
        "home": "/",
        "discover": "/characters/",
        "chats": "/chats/",
        "chat": f"/chats/{chat}/",
        "tokens": "/payment/",
        "settings": "/settings/",
        "`GET /api/payment/user/tokens`": "/api/payment/user/tokens",
        "`GET /api/characters`": "/api/characters",
        "`GET /api/chats`": "/api/chats",
        "`GET /api/chats/{id}/messages`": f"/api/chats/{chat}/messages",
    }


def _rounds(servers: list[Server], people: list[Person], paths: list[dict[str, str]]) -> Figures:
    figures: Figures = {}
    for number in range(-1, ROUNDS):  # the first one warms up
        for server, person, these in _in_turn(number, servers, people, paths):
            for name, path in these.items():
                before = cpu_secs(server.pid)
                _ask(server, person, path, ASKED if number >= 0 else 5)
                spent = (cpu_secs(server.pid) - before) / ASKED * 1000
                if number >= 0:
                    figures.setdefault(name, {}).setdefault(server.name, []).append(spent)
            print(f"  {number + 1}/{ROUNDS} {server.name}", file=sys.stderr)
    return figures


def _in_turn(
    number: int, servers: list[Server], people: list[Person], paths: list[dict[str, str]]
) -> Iterator[tuple[Server, Person, dict[str, str]]]:
    turns = list(zip(servers, people, paths, strict=True))
    yield from turns[:: -1 if number % 2 else 1]


def _ask(server: Server, person: Person, path: str, times: int) -> None:
    """So many requests, one after another. Raises RuntimeError unless each is answered by 200."""
    headers = {"Cookie": f"sessionid={person.session}"}
    if path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {person.access}"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(times):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: {path}: {answer.status}")
    connection.close()


async def _statements(server: Server, person: Person, paths: dict[str, str]) -> Counter[str]:
    """How many statements each takes. Medians: housekeeping asks in between."""
    found: Counter[str] = Counter()
    async with tapped(server.url) as (tap, url):
        serving = server.serving(DATABASE_URL=url)
        await asyncio.to_thread(serving.__enter__)
        try:
            for name, path in paths.items():
                seen = []
                for number in range(COUNTED + 3):
                    tap.take()
                    await asyncio.to_thread(_ask, server, person, path, 1)
                    if number >= 3:  # by then every statement is prepared
                        seen.append(tap.take().total())
                found[name] = median_low(seen)
        finally:
            serving.__exit__(None, None, None)
    return found


def _weights(server: Server, person: Person, paths: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Bytes and requests of each page that Chromium opens with an empty cache."""
    from playwright.sync_api import sync_playwright

    found = {}
    origin = f"http://127.0.0.1:{server.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        for name, path in paths.items():
            if name.startswith("`"):
                continue
            context = browser.new_context()
            context.add_cookies([{"name": "sessionid", "value": person.session, "url": origin}])
            page = context.new_page()
            sizes: list[int] = []
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            session.on("Network.loadingFinished", partial(_note, sizes))
            page.goto(f"{origin}{path}", wait_until="networkidle")
            found[name] = (sum(sizes), len(sizes))
            context.close()
        browser.close()
    return found


def _note(sizes: list[int], event: dict[str, int]) -> None:
    sizes.append(event["encodedDataLength"])


def _table(
    figures: Figures,
    counts: list[Counter[str]],
    weights: list[dict[str, tuple[int, int]]],
    servers: list[Server],
) -> str:
    names = [server.name for server in servers]
    others = names[1:]
    head = ["page", *(f"{name}: CPU ms" for name in names), *(f"ours / {n}" for n in others)]
    head += [f"{name}: statements" for name in names]
    head += [f"{name}: cold kB, requests" for name in names]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for what, found in figures.items():
        row = [what, *(f"{median(found[name]):.2f}" for name in names)]
        row += [
            f"{median(a / b for a, b in zip(found['ours'], found[name], strict=True)):.2f}"
            for name in others
        ]
        row += [str(count[what]) for count in counts]
        row += [_weight(weight.get(what)) for weight in weights]
        lines.append(_line(row))
    return "\n".join(lines)


def _weight(found: tuple[int, int] | None) -> str:
    return f"{found[0] / 1000:.0f}, {found[1]}" if found else ""


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
