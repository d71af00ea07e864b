"""How fast a change reaches open pages, what an open page costs, and asking instead of hearing."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import platform
import sys
import time
from pathlib import Path
from statistics import median, quantiles

import redis

from tests.bench.processes import cpu_secs
from tests.bench.realtime_asking import asking
from tests.bench.realtime_clients import RawSocket, close_all, open_all
from tests.bench.realtime_servers import (
    ROOT,
    Contender,
    Person,
    contenders,
    database,
    environment,
    seed,
)
from tests.support import engines

PUSHED = int(os.environ.get("BENCH_MESSAGES", "10000"))
SOCKETS = [int(n) for n in os.environ.get("BENCH_SOCKETS", "1000,5000").split(",")]
ROUNDS = 10
LISTENERS = 100
# The first three at any size; stock Channels refuses connects when thousands come at once.
CONTENDERS = ("floor", "python-socketio", "ours", "ours, bearer", "stock Channels")
PER_SEC = 500
SPENDS = 300


def main() -> None:
    own_redis = redis.Redis.from_url(engines.redis_url())
    with database(engines.postgres_url()) as url:
        env = environment(url, engines.redis_url())
        people = seed(env, max(SOCKETS))
        sections = [
            lambda: push(contenders(), env, people[:LISTENERS], own_redis),
            lambda: asking(env, people),
            lambda: many(env, people, own_redis),
        ]
        text = HEAD.format(machine=_machine())
        for section in sections:  # kept one by one: the last takes minutes
            text += "\n" + asyncio.run(section()) + "\n"
            (ROOT / "docs" / "figures-realtime.md").write_text(text)
    print(text)


async def push(
    servers: dict[str, Contender], env: dict[str, str], people: list[Person], bus: redis.Redis
) -> str:
    """Publish to frame, in rounds that take turns."""
    names = ["floor", "python-socketio", "stock Channels", "ours"]
    took: dict[str, list[list[float]]] = {name: [] for name in names}
    heard: list[float] = []

    def stamp(person: Person, text: bytes) -> None:
        now = time.monotonic_ns()
        start = text.find(b"<") + 1
        if start:
            heard.append((now - int(text[start : text.index(b">")])) / 1e6)

    sockets: list[RawSocket] = []
    try:
        for name in names:
            servers[name].start(env)
            sockets += await open_all(servers[name], people, stamp)
        await asyncio.sleep(1)
        filler = "x" * 250  # as long as a balance frame
        for number in range(ROUNDS + 1):
            for name in names[:: -1 if number % 2 else 1]:
                heard.clear()
                count = PUSHED // ROUNDS if number else 200
                began = time.monotonic()
                for turn in range(count):
                    due = began + turn / PER_SEC
                    await asyncio.sleep(max(0, due - time.monotonic()))
                    person = people[turn % len(people)]
                    text = f'{{"type":"bench","at":"<{time.monotonic_ns()}>","f":"{filler}"}}'
                    bus.publish(*servers[name].payload(person, text))
                await asyncio.sleep(0.5)
                if len(heard) != count:
                    print(f"{name}: {count - len(heard)} of {count} lost", file=sys.stderr)
                if number:
                    took[name].append(list(heard))
        spent = await spends(servers["ours"], people, sockets)
    finally:
        for server in servers.values():
            server.stop()
    close_all(sockets)
    floor = [median(each) for each in took["floor"]]
    lines = [
        f"## How fast a change arrives\n\n{PUSHED:,} messages to {LISTENERS} people, "
        f"{PER_SEC} a second.\n",
        "| publish to frame | p50 ms | p99 ms | p50 / floor |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name in names:
        every = [t for each in took[name] for t in each]
        p50s = [median(each) for each in took[name]]
        share = median(a / b for a, b in zip(p50s, floor, strict=True))
        p99 = quantiles(every, n=100)[98]
        lines.append(f"| {name} | {median(every):.2f} | {p99:.2f} | {share:.2f} |")
    for name, values in spent.items():
        share = median(values) / median(floor)
        p99 = quantiles(values, n=100)[98]
        lines.append(f"| {name} | {median(values):.2f} | {p99:.2f} | {share:.2f} |")
    return "\n".join(lines)


async def spends(
    server: Contender, people: list[Person], sockets: list[RawSocket]
) -> dict[str, list[float]]:
    """Commit to frame inside a spend request, and the client asking instead."""
    person = people[0]
    arrived: dict[str, float] = {}

    def hear(who: Person, text: bytes) -> None:
        for op in json.loads(text).get("ops", []):
            arrived[op] = time.monotonic()

    (listener,) = await open_all(server, [person], hear)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    host = f"Host: 127.0.0.1:{server.port}\r\n"
    pushed, asked = [], []
    for number in range(SPENDS):
        writer.write(f"GET /bench/spend/{person.id} HTTP/1.1\r\n{host}\r\n".encode())
        answer = json.loads(await _body(reader))
        await asyncio.sleep(0.07)
        began = time.monotonic()
        auth = f"Authorization: Bearer {person.access}\r\n"
        writer.write(f"GET /api/payment/user/tokens HTTP/1.1\r\n{host}{auth}\r\n".encode())
        await _body(reader)
        if number >= SPENDS // 10:
            pushed.append((arrived[answer["op"]] - answer["at"]) * 1000)
            asked.append((time.monotonic() - began) * 1000)
    writer.close()
    listener.transport.abort()
    return {"ours: commit to frame in a spend": pushed, "ours: asking instead": asked}


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    start = head.find(b"content-length:")
    if start >= 0:
        return await reader.readexactly(int(head[start + 15 :].split(b"\r\n", 1)[0]))
    body = b""
    while chunk := await reader.readline():
        size = int(chunk, 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            return body
    return body


async def many(env: dict[str, str], people: list[Person], bus: redis.Redis) -> str:
    """Sockets of as many people: connects a second, memory, one frame to each."""
    lines = [
        "## What an open page costs\n\nSockets of as many people; then one frame to each.\n",
        "| sockets | server | connects/s | CPU µs a connect | kB a socket | fan-out s "
        "| CPU µs a frame | lost |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in SOCKETS:
        for name in CONTENDERS if count <= 1_000 else CONTENDERS[:3]:
            server = contenders()[name]
            got: set[str] = set()
            server.start(env)
            try:
                await _warm(server, people)
                before = _memory_kb(server.pid)
                cpu, began = cpu_secs(server.pid), time.monotonic()
                sockets = await open_all(server, people[:count], Arrivals(got))
                rate = count / (time.monotonic() - began)
                connect = (cpu_secs(server.pid) - cpu) / count * 1e6
                await asyncio.sleep(3)
                memory = (_memory_kb(server.pid) - before) / count
                gc.collect()
                cpu, began = cpu_secs(server.pid), time.monotonic()
                await asyncio.to_thread(_publish_all, server, people[:count], bus)
                for _ in range(3_000):
                    if len(got) == count:
                        break
                    await asyncio.sleep(0.01)
                took = time.monotonic() - began
                cost = (cpu_secs(server.pid) - cpu) / count * 1e6
                lines.append(
                    f"| {count:,} | {name} | {rate:,.0f} | {connect:.0f} | {memory:.1f} "
                    f"| {took:.2f} | {cost:.0f} | {count - len(got)} |"
                )
                print(lines[-1], file=sys.stderr)
                close_all(sockets)
            finally:
                server.stop()
    return "\n".join(lines)


class Arrivals:
    """Notes who has got the frame that all are sent."""

    def __init__(self, got: set[str]) -> None:
        self._got = got

    def __call__(self, person: Person, text: bytes) -> None:
        if b"<" in text:
            self._got.add(person.id)


async def _warm(server: Contender, people: list[Person]) -> None:
    sockets = await open_all(server, people[:50], lambda person, text: None)
    close_all(sockets)
    await asyncio.sleep(1)


def _publish_all(server: Contender, people: list[Person], bus: redis.Redis) -> None:
    pipe = bus.pipeline(transaction=False)
    for person in people:
        pipe.publish(*server.payload(person, '{"type":"bench","at":"<1>","f":"' + "x" * 250 + '"}'))
    pipe.execute()


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


HEAD = """# Figures: realtime

Written by `python -m tests.bench realtime` ({machine}); read them, don't edit them. Contenders take
turns in short rounds and their ratios are the medians of the rounds' ratios: those travel between
machines, milliseconds do not. The floor is a bare `websockets` server that forwards what Redis
publishes, without accounts, database or beacons. python-socketio checks a JWT at a connect; stock
Channels and ours look up a session (\"ours, bearer\": a JWT and its family). CPU is the server
process's own; rates suffer with whatever else the machine does, CPU does less.
"""


def _memory_kb(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Private_Dirty")).split()[1])
