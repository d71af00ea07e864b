"""Asking for the balance over HTTP, beside FastAPI with SQLAlchemy's asyncio."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from tests.bench.processes import cpu_secs
from tests.bench.realtime_servers import (
    ROOT,
    Contender,
    Person,
    contenders,
    peers_python,
)

ROUNDS = 3
CLIENTS = (1, 16)
SECS = 2


async def asking(env: dict[str, str], people: list[Person]) -> str:
    """Requests a second for the balance, in rounds that take turns."""
    peer = contenders()["floor"]
    command = [peers_python(), str(ROOT / "tests/bench/peers/fastapi_app.py")]
    servers = [
        contenders()["ours"],
        Contender("FastAPI", command, peer.request, peer.payload),
    ]
    kinds = [(clients, fresh) for clients in CLIENTS for fresh in (False, True)]
    rates: dict[tuple[str, int, bool], list[float]] = {}
    cpu: dict[tuple[str, int, bool], list[float]] = {}
    try:
        for server in servers:
            server.start(env)
        for number in range(ROUNDS + 1):
            for kind in kinds:
                for server in servers[:: -1 if number % 2 else 1]:
                    before = cpu_secs(server.pid)
                    rate = await _requests(server, people, *kind)
                    if number:
                        rates.setdefault((server.name, *kind), []).append(rate)
                        spent = (cpu_secs(server.pid) - before) / (rate * SECS) * 1e6
                        cpu.setdefault((server.name, *kind), []).append(spent)
    finally:
        for server in servers:
            server.stop()
    lines = [
        "## Asking for the balance\n\nWith bearer tokens, one process each, beside FastAPI with "
        "SQLAlchemy's asyncio.\n",
        "| clients | answer | ours/s | FastAPI/s | ratio | ours, CPU µs | FastAPI, CPU µs |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for clients, fresh in kinds:
        a, b = rates["ours", clients, fresh], rates["FastAPI", clients, fresh]
        share = median(x / y for x, y in zip(a, b, strict=True))
        costs = [median(cpu[name, clients, fresh]) for name in ("ours", "FastAPI")]
        lines.append(
            f"| {clients} | {'304, by ETag' if fresh else '200'} | {median(a):,.0f} "
            f"| {median(b):,.0f} | {share:.2f} | {costs[0]:,.0f} | {costs[1]:,.0f} |"
        )
    return "\n".join(lines)


async def _requests(server: Contender, people: list[Person], clients: int, fresh: bool) -> float:
    until = time.monotonic() + SECS

    async def client(person: Person) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = (
            f"GET /api/payment/user/tokens HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {person.access}\r\n"
        )
        headers = await _exchange(reader, writer, request, b"200")
        if fresh:
            request += f"If-None-Match: {headers[b'etag'].decode()}\r\n"
        done = 0
        while time.monotonic() < until:
            await _exchange(reader, writer, request, b"304" if fresh else b"200")
            done += 1
        writer.close()
        return done

    began = time.monotonic()
    counts = await asyncio.gather(*map(client, people[:clients]))
    return sum(counts) / (time.monotonic() - began)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str, status: bytes
) -> dict[bytes, bytes]:
    """The headers of the answer, by their names in small letters."""
    writer.write(request.encode() + b"\r\n")
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    if first[9:12] != status:
        raise RuntimeError(f"{status!r} expected, not {first!r}")
    headers = {}
    for line in lines[:-2]:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    if status == b"200":
        await reader.readexactly(int(headers[b"content-length"]))
    return headers
