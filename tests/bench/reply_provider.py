"""A model's server that costs next to nothing: it speaks the OpenAI protocol and thinks of nothing.

Run as `python reply_provider.py PORT`. The last message says what to answer: `chunks=20 gap_ms=5`
is twenty pieces of text, five milliseconds apart; then come finish_reason, usage and `[DONE]`.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ASKED = re.compile(r"chunks=(\d+) gap_ms=(\d+)")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def wording(*, chunks: int, gap_ms: int) -> str:
    """The message to send for an answer of that many pieces."""
    return f"chunks={chunks} gap_ms={gap_ms}"


@contextmanager
def provider(port: int) -> Iterator[str]:
    """The base URL of such a server, in a process of its own."""
    command = [sys.executable, "-P", str(Path(__file__)), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it says when it listens
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def _event(delta: dict[str, str], **fields: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": fields.pop("finish_reason", None)}
    body = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [choice],
        **fields,
    }
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


FIRST = _event({"role": "assistant", "content": ""})
PIECE = _event({"content": " and so on"})
LAST = (
    _event({}, finish_reason="stop")
    + _event({}, usage=USAGE)
    + _chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:  # the client keeps its connection
            await _answer(await _asked(reader), writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # it is gone
    finally:
        writer.close()


async def _asked(reader: asyncio.StreamReader) -> tuple[int, float]:
    """The number of pieces and the seconds between them."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    start = head.index(b"content-length:") + len(b"content-length:")
    body = json.loads(await reader.readexactly(int(head[start : head.index(b"\r\n", start)])))
    found = ASKED.search(body["messages"][-1]["content"])
    assert found is not None, "the last message says nothing about chunks"
    return int(found[1]), int(found[2]) / 1000


async def _answer(asked: tuple[int, float], writer: asyncio.StreamWriter) -> None:
    chunks, gap_secs = asked
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(HEAD + FIRST)
    for number in range(chunks):
        if gap_secs and number:  # by the clock: a late piece does not delay those after it
            await asyncio.sleep(began + number * gap_secs - loop.time())
        writer.write(PIECE)
        await writer.drain()
    writer.write(LAST)
    await writer.drain()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=1_000)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
