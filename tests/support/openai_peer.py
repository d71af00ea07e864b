"""A server that speaks just enough HTTP to answer chat completions with exactly these bytes.

Runs on a loop in a thread of its own, so that any test, and any process, can talk to it:

    with Peer(reply("Hello")) as peer: … peer.url …
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Any

HOLD = object()
"""A part that waits until the client closes the connection, or the peer ends."""

PAUSE = object()
"""A part that waits until the test says `go_on()`, or the client closes the connection."""

RESET = object()
"""A part that resets the connection."""


@dataclass
class Answer:
    """One response. `parts` are bytes to send, seconds to wait, HOLD, PAUSE, RESET, or many bytes,
    perhaps without end. With `silent` they come without a status and headers.

    `cut` ends in the middle of the chunked body; without it the body ends as HTTP demands.
    """

    parts: list[Any] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    cut: bool = False
    silent: bool = False


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def chunk(content: Any = None, *, finish: str | None = None, **fields: Any) -> bytes:
    """One event of the stream."""
    delta = {} if content is None else {"content": content}
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields})


def event(data: Any) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def reply(*texts: str, usage: dict[str, int] | None = None) -> Answer:
    """A whole reply as OpenAI sends it."""
    last = [event({"choices": [], "usage": usage})] if usage else []
    return Answer([*map(chunk, texts), chunk(finish="stop"), *last, DONE])


def refusal(status: int, error: dict[str, Any] | None = None, **headers: str) -> Answer:
    body = json.dumps({"error": error or {"message": "no", "code": None}}).encode()
    return Answer([body], status, {"Content-Type": "application/json", **headers})


class Peer:
    """Answers the first request with the first answer, and so on; the last one serves the rest."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.closed_by_client = threading.Event()
        self._steps = asyncio.Semaphore(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Peer:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.url = f"http://127.0.0.1:{started.result(60)}/v1"
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def go_on(self) -> None:
        """Let one PAUSE pass, that which waits or the next one."""
        self._loop.call_soon_threadsafe(self._steps.release)

    def hang_up(self) -> None:
        """Break off what is still being answered, and forget each `go_on` that nobody needed."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(60)

    def answer_to(self, request: Request) -> Answer:
        """What that request, which is the last of `requests`, is answered with."""
        return self.answers[min(len(self.requests), len(self.answers)) - 1]

    async def _start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        await self._hang_up()

    async def _hang_up(self) -> None:
        self._steps = asyncio.Semaphore(0)
        own = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            self.requests.append(request)
            await self._answer(self.answer_to(request), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.closed_by_client.set()
        finally:
            writer.close()

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        headers = {**answer.headers, "Transfer-Encoding": "chunked", "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if not answer.silent:
            writer.write(f"HTTP/1.1 {answer.status} -\r\n{head}\r\n".encode())
        for part in answer.parts:
            if part is HOLD:
                await reader.read()  # EOF: the client is gone
                self.closed_by_client.set()
                return
            if part is PAUSE:
                if await self._is_gone_before_go_on(reader):
                    return
                continue
            if part is RESET:
                writer.transport.abort()
                return
            if isinstance(part, (int, float)):
                await asyncio.sleep(part)
                continue
            for piece in [part] if isinstance(part, bytes) else part:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
        if not answer.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _is_gone_before_go_on(self, reader: asyncio.StreamReader) -> bool:
        going, gone = (
            asyncio.ensure_future(each) for each in (self._steps.acquire(), reader.read())
        )
        try:
            await asyncio.wait({going, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (going, gone):
                each.cancel()
        if not going.done():
            self.closed_by_client.set()
        return not going.done()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(first.split(" ")[1], headers, json.loads(body or b"{}"))
