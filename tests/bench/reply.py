"""(r) A whole reply, as people meet it: `POST /api/chats/{id}/generate`, streamed to its end.

`manage.py serve` in production settings, PostgreSQL and Redis, a bearer token, and a model's server
in a process of its own that answers at once: twenty pieces of text, five milliseconds apart. CPU is
the server process's (and PostgreSQL's for its clients) from the request until the reply is settled.
Streams that start together have their connections open before. `BENCH_AGAINST` names the folder of
another checkout, which then takes turns with this one: ratios are the medians over the rounds, with
the quartiles behind them. `BENCH_ROUNDS` and `BENCH_STREAMS` make it longer and shorter.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, median_low, quantiles

from tests.bench.databases import ROOT
from tests.bench.processes import backends_cpu_secs, cpu_secs
from tests.bench.reply_client import Question, one_after_another, question_to_model, together
from tests.bench.reply_provider import provider, wording
from tests.bench.reply_servers import Server, checkout, sign_up
from tests.bench.statements_tap import tapped
from tests.support.ports import free_port

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
STREAMS = [int(n) for n in os.environ.get("BENCH_STREAMS", "1,50,200").split(",") if n]
REPLIES = 40
AT_ONCE = 4
CHUNKS, MANY_CHUNKS, GAP_MS = 20, 220, 5
SETTLE_SECS = 0.1  # for what a server does after its last word
COUNTED = 9

Figures = dict[str, dict[str, list[float]]]  # by what, by whom, round by round
MODEL = "model alone"


def run() -> str:
    against = os.environ.get("BENCH_AGAINST", "")
    folders = [ROOT, *([Path(against).resolve()] if against else [])]
    model_port = free_port()
    with ExitStack() as stack:
        model_url = stack.enter_context(provider(model_port))
        servers = [
            stack.enter_context(checkout(number, folder, model_url))
            for number, folder in enumerate(folders)
        ]
        people = [sign_up(server, max([*STREAMS, REPLIES])) for server in servers]
        with ExitStack() as serving:
            for server, accesses in zip(servers, people, strict=True):
                serving.enter_context(server.serving())
                server.open_chats(accesses)
            figures = asyncio.run(_rounds(servers, model_port))
        counts = [asyncio.run(_statements(server)) for server in servers]
    return f"{_table(figures, servers)}\n\n{_statements_table(counts, servers)}"


async def _rounds(servers: list[Server], model_port: int) -> Figures:
    figures: Figures = {}
    for server in servers:  # warm: statements prepared, modules loaded, connections made
        await one_after_another(server.questions(REPLIES, _says(CHUNKS)), at_once=AT_ONCE)
    for number in range(ROUNDS):
        for server in servers[:: -1 if number % 2 else 1]:
            for what, value in (await _measure(server)).items():
                figures.setdefault(what, {}).setdefault(server.name, []).append(value)
                print(f"  {number + 1}/{ROUNDS} {server.name}: {what} {value:.2f}", file=sys.stderr)
        for count in STREAMS:
            alone = await _first_ms(
                lambda n: [question_to_model(model_port, _says(CHUNKS)) for _ in range(n)], count
            )
            figures[_first(count)].setdefault(MODEL, []).append(alone)
    return figures


async def _measure(server: Server) -> dict[str, float]:
    """One round of one server. Milliseconds."""
    long = REPLIES // 5
    took, per_reply = await _cpu(server, CHUNKS, REPLIES)
    _, per_long_reply = await _cpu(server, MANY_CHUNKS, long)
    further = (per_long_reply[0] - per_reply[0]) / (MANY_CHUNKS - CHUNKS)
    return {
        f"server CPU, a reply of {CHUNKS} chunks": per_reply[0],
        "server CPU, each further chunk": further,
        "PostgreSQL's CPU, a reply": per_reply[1],
        f"request to end, {AT_ONCE} at a time, p50": took,
        **{
            _first(count): await _first_ms(lambda n: server.questions(n, _says(CHUNKS)), count)
            for count in STREAMS
        },
    }


async def _cpu(server: Server, chunks: int, replies: int) -> tuple[float, tuple[float, float]]:
    """p50 from request to end; and CPU a reply, the server's and PostgreSQL's."""

    def spent() -> tuple[float, float]:
        return cpu_secs(server.pid), backends_cpu_secs(server.url)

    questions = server.questions(replies, _says(chunks))
    before = spent()
    heard = await one_after_another(questions, at_once=AT_ONCE)
    await asyncio.sleep(SETTLE_SECS)
    ours, theirs = (
        (after - then) / replies * 1000 for then, after in zip(before, spent(), strict=True)
    )
    return median(each.whole_ms for each in heard), (ours, theirs)


async def _first_ms(ask: Callable[[int], list[Question]], count: int) -> float:
    """The first text, p50 of as many that start together; of one, of some that take turns."""
    if count > 1:
        heard = await together(ask(count))
    else:
        heard = await one_after_another(ask(REPLIES // 4), at_once=1)
    await asyncio.sleep(SETTLE_SECS)
    return median(each.first_ms for each in heard)


async def _statements(server: Server) -> Counter[str]:
    """What one reply asks of the database, by name. Medians: housekeeping asks in between."""
    seen = []
    async with tapped(server.url) as (tap, url):
        serving = server.serving(DATABASE_URL=url)
        await asyncio.to_thread(serving.__enter__)
        try:
            for number in range(COUNTED + 3):
                tap.take()
                await together(server.questions(1, _says(CHUNKS)))
                await asyncio.sleep(SETTLE_SECS)
                if number >= 3:  # by then every statement is prepared
                    seen.append(tap.take())
        finally:
            serving.__exit__(None, None, None)
    names = {name for each in seen for name in each}
    return +Counter({name: median_low(each[name] for each in seen) for name in names})


def _table(figures: Figures, servers: list[Server]) -> str:
    names = [server.name for server in servers]
    head = ["what, in ms", MODEL, *names, *([f"ours / {name}" for name in names[1:]])]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for what, found in figures.items():
        alone = f"{median(found[MODEL]):.1f}" if MODEL in found else ""
        row = [what, alone, *(_short(median(found[name])) for name in names)]
        lines.append(_line(row + [_ratio(found["ours"], found[name]) for name in names[1:]]))
    return "\n".join(lines)


def _ratio(ours: list[float], others: list[float]) -> str:
    ratios = [a / b for a, b in zip(ours, others, strict=True)]
    if len(ratios) < 3:
        return f"{median(ratios):.2f}"
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _statements_table(counts: list[Counter[str]], servers: list[Server]) -> str:
    lines = [
        _line(["statements of one reply", *(server.name for server in servers)]),
        _line(["---", *["---:"] * len(servers)]),
        _line(["all", *(str(count.total()) for count in counts)]),
    ]
    names = {name: None for count in counts for name, _ in sorted(count.items())}
    lines += [_line([name, *(str(count[name] or "") for count in counts)]) for name in names]
    return "\n".join(lines)


def _first(count: int) -> str:
    return "first chunk, 1 stream, p50" if count == 1 else f"first chunk, {count} at once, p50"


def _says(chunks: int) -> str:
    return wording(chunks=chunks, gap_ms=GAP_MS)


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
