"""Asks for streamed answers and notes when their first text and their end arrive."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

PATIENCE_SECS = 120
CONNECTS_AT_ONCE = 25  # fewer than a listening socket queues


class Heard(NamedTuple):
    """Milliseconds from the start to the first text, and to the end of the stream."""

    first_ms: float
    whole_ms: float


@dataclass(frozen=True)
class Question:
    """A request, and what is in its answer once the first text has come, and at the end."""

    port: int
    request: bytes
    first: bytes
    last: bytes


def question_to_model(port: int, content: str) -> Question:
    """The same without us: straight to the model's server."""
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": content}]}
    request = post(port, "/v1/chat/completions", body)
    return Question(port, request, b'"content": " ', b"[DONE]")


def question_in_chat(port: int, chat_id: str, access: str, content: str) -> Question:
    """A message in that chat, whose reply is streamed."""
    headers = {
        "Authorization": f"Bearer {access}",
        "Accept": "text/event-stream",
        "Idempotency-Key": uuid4().hex,
    }
    request = post(port, f"/api/chats/{chat_id}/generate", {"content": content}, headers)
    return Question(port, request, b"event: delta", b"event: done")


def post(port: int, path: str, body: object, headers: dict[str, str] | None = None) -> bytes:
    data = json.dumps(body).encode()
    lines = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data


async def together(questions: Sequence[Question]) -> list[Heard]:
    """All of them at the same moment, on connections that were open before."""
    opened: list[_Answer] = []
    for start in range(0, len(questions), CONNECTS_AT_ONCE):
        group = questions[start : start + CONNECTS_AT_ONCE]
        opened += await asyncio.gather(*map(_connected, group))
    began = time.perf_counter()
    for answer in opened:
        answer.ask(began)
    return await asyncio.gather(*(_whole(answer) for answer in opened))


async def one_after_another(questions: Sequence[Question], *, at_once: int) -> list[Heard]:
    """`at_once` of them under way at any time."""
    waiting = iter(questions)

    async def ask_on() -> list[Heard]:
        return [(await together([question]))[0] for question in waiting]

    heard = await asyncio.gather(*(ask_on() for _ in range(at_once)))
    return [each for some in heard for each in some]


async def _connected(question: Question) -> _Answer:
    loop = asyncio.get_running_loop()
    _, answer = await loop.create_connection(lambda: _Answer(question), "127.0.0.1", question.port)
    return answer


async def _whole(answer: _Answer) -> Heard:
    async with asyncio.timeout(PATIENCE_SECS):
        return await answer.heard


class _Answer(asyncio.Protocol):
    """Looks for two words in the stream and does nothing else: the client shares our machine."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.heard: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._began = self._first_ms = 0.0
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, began: float) -> None:
        self._began = began
        self.transport.write(self.question.request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data  # a word may be cut in two
        now_ms = (time.perf_counter() - self._began) * 1000
        if not self._first_ms and self.question.first in data:
            self._first_ms = now_ms
        if self.question.last in data and not self.heard.done():
            self.heard.set_result(Heard(self._first_ms, now_ms))
            self.transport.close()
        self._rest = data[-32:] if self._first_ms else data[-4_000:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.heard.done():
            said = self._rest.decode(errors="replace")
            self.heard.set_exception(RuntimeError(f"The answer ended early: {said}"))
