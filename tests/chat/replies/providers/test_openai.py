"""Every way in which compatible servers differ, with the official client really connecting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chat.errors import ProviderFailed, ProviderTimeout, ProviderUnavailable
from chat.replies.providers.base import Delta, Event, ReplyRequest, Thinking, Turn, Usage
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_peer import DONE, HOLD, Answer, Peer, chunk, event, refusal, reply

REQUEST = ReplyRequest(
    system="You are kind.",
    turns=[Turn("assistant", "Welcome."), Turn("user", "Hi."), Turn("user", "Hello?")],
    language="en",
)


@pytest.fixture
def ask(settings: Settings) -> Callable[[Peer], Any]:
    """Collects all events of one reply from that peer."""

    async def ask(peer: Peer) -> list[Event]:
        settings.OPENAI_BASE_URL = peer.url
        settings.OPENAI_API_KEY = "sk-test"
        settings.OPENAI_MODEL = "small"
        return [event async for event in OpenAIProvider().stream(REQUEST)]

    return ask


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.replies.providers.openai._backoff_secs", lambda attempt: 0.01)
    monkeypatch.setattr("chat.replies.providers.openai.AFTER_FINISH_SECS", 60)


async def collect(got: list[Event]) -> None:
    """Into `got`, so that what came before a failure counts."""
    async for event_ in OpenAIProvider().stream(REQUEST):
        got.append(event_)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def usage_of(events: list[Event]) -> Usage | None:
    return next((event for event in reversed(events) if isinstance(event, Usage)), None)


async def test_it_sends_only_what_is_set_and_alternating_roles(ask) -> None:
    with Peer(reply("Good ", "day.")) as peer:
        assert text_of(await ask(peer)) == "Good day."
    request = peer.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-test"
    assert set(request.body) == {"model", "messages", "stream", "stream_options"}
    assert [message["role"] for message in request.body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert request.body["messages"][0]["content"] == "You are kind."
    assert request.body["messages"][-1]["content"] == "Hi.\n\nHello?"


USAGE = {"prompt_tokens": 9, "completion_tokens": 2}

WHOLE = {
    "usage after finish_reason, with no choices": [
        chunk("Hi"),
        chunk(finish="stop"),
        event({"choices": [], "usage": USAGE}),
        DONE,
    ],
    "choices null": [
        event({"choices": None, "usage": USAGE}),
        chunk("Hi"),
        chunk(finish="stop"),
        DONE,
    ],
    "choices missing": [chunk("Hi"), chunk(finish="stop"), event({"usage": USAGE}), DONE],
    "the last usage wins": [
        chunk("H", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk("i", usage=USAGE),
        chunk(finish="stop", usage=None),
        DONE,
    ],
    "usage with the finish": [chunk("Hi"), chunk(finish="stop", usage=USAGE), DONE],
    "end by EOF": [chunk("Hi"), chunk(finish="length", usage=USAGE)],
    "a last line without its line feeds": [
        chunk("Hi"),
        chunk(finish="stop", usage=USAGE),
        b"data: [DONE]",
    ],
    "comments, carriage returns, no space": [
        b": OPENROUTER PROCESSING\r\n\r\n",
        chunk("Hi").replace(b"\n", b"\r\n"),
        chunk(finish="stop", usage=USAGE).replace(b"data: ", b"data:"),
        DONE,
    ],
    "delta null, content null": [
        event({"choices": [{"delta": None}]}),
        event({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
        chunk("Hi"),
        chunk(finish="stop", usage=USAGE),
        DONE,
    ],
    "an error key that is null": [
        chunk("Hi", error=None),
        chunk(finish="stop", usage=USAGE),
        DONE,
    ],
    "content in parts": [
        chunk([{"type": "thinking", "thinking": "no"}, {"type": "text", "text": "Hi"}]),
        chunk(finish="stop", usage=USAGE),
        DONE,
    ],
    "DONE without a finish_reason": [chunk("Hi", usage=USAGE), DONE],
    "DONE, and a connection that stays open": [
        chunk("Hi"),
        chunk(finish="stop", usage=USAGE),
        DONE,
        HOLD,
    ],
    "a finish, and then silence": [chunk("Hi"), chunk(finish="stop", usage=USAGE), HOLD],
}


@pytest.mark.parametrize("parts", WHOLE.values(), ids=WHOLE.keys())
async def test_a_whole_reply_in_every_shape(
    ask, parts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    if parts[-1] is HOLD and DONE not in parts:  # the one that has to be waited for in vain
        monkeypatch.setattr("chat.replies.providers.openai.AFTER_FINISH_SECS", 0.3)
    with Peer(Answer(parts)) as peer:
        events = await ask(peer)
    assert text_of(events) == "Hi"
    assert usage_of(events) == Usage(9, 2)


async def test_the_last_usage_wins_even_cut_byte_by_byte(ask) -> None:
    body = b"".join([chunk("Hé\u2028🌍"), chunk(finish="stop"), event({"usage": USAGE}), DONE])
    with Peer(Answer([body[i : i + 1] for i in range(len(body))])) as peer:
        events = await ask(peer)
    assert text_of(events) == "Hé\u2028🌍"
    assert usage_of(events) == Usage(9, 2)


async def test_usage_may_never_come(ask) -> None:
    with Peer(reply("Hi")) as peer:
        assert usage_of(await ask(peer)) is None


async def test_a_cut_after_the_finish_loses_only_the_count(ask) -> None:
    with Peer(Answer([chunk("Hi"), chunk(finish="stop")], cut=True)) as peer:
        assert text_of(await ask(peer)) == "Hi"


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_is_a_sign_of_life_and_no_text(ask, field: str) -> None:
    thought = event({"choices": [{"delta": {field: "secret", "content": ""}}]})
    with Peer(Answer([thought, chunk("Hi"), chunk(finish="stop"), DONE])) as peer:
        events = await ask(peer)
    assert text_of(events) == "Hi"
    assert isinstance(events[0], Thinking)


BROKEN = {
    "EOF without finish_reason": Answer([chunk("So far")]),
    "cut in mid-chunk": Answer([chunk("So far")], cut=True),
    "an error in a chunk": Answer(
        [chunk("So far"), event({"error": {"message": "quota", "code": 402}}), DONE]
    ),
    "an error with choices beside it": Answer([chunk("So far"), chunk("!", error={"code": 502})]),
    "an error event": Answer([chunk("So far"), b"event: error\n" + event({"message": "oops"})]),
    "no JSON": Answer([chunk("So far"), b"data: {oops\n\n"]),
    "no object": Answer([chunk("So far"), b"data: 7\n\n"]),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_what_breaks_off_is_a_failure_and_never_tried_again(
    settings: Settings, answer: Answer
) -> None:
    got: list[Event] = []
    with Peer(answer) as peer:
        settings.OPENAI_BASE_URL = peer.url
        with pytest.raises(ProviderFailed):
            await collect(got)
    assert text_of(got) == "So far"
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_passing_refusal_is_tried_again(ask, status: int) -> None:
    with Peer(refusal(status), reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    assert len(peer.requests) == 2


async def test_retry_after_is_obeyed(ask) -> None:
    with Peer(refusal(429, **{"Retry-After": "1"}), reply("Hi")) as peer:
        began = time.monotonic()
        await ask(peer)
    assert time.monotonic() - began >= 1


LASTING: dict[str, tuple[Answer, type[Exception], int]] = {
    "still too many": (refusal(429), ProviderUnavailable, 3),
    "a long wait": (refusal(429, **{"Retry-After": "600"}), ProviderUnavailable, 1),
    "no quota": (
        refusal(429, {"message": "billing", "code": "insufficient_quota"}),
        ProviderUnavailable,
        1,
    ),
    "wrong key": (refusal(401), ProviderUnavailable, 1),
    "our credit is gone": (refusal(402), ProviderUnavailable, 1),
    "no such model": (refusal(404), ProviderUnavailable, 1),
    "bad request": (refusal(400), ProviderFailed, 1),
    "a server error": (refusal(500), ProviderFailed, 3),
    "gateway timeout": (refusal(504), ProviderTimeout, 3),
}


@pytest.mark.parametrize(("answer", "error", "tries"), LASTING.values(), ids=LASTING.keys())
async def test_a_lasting_refusal_is_never_the_users_own_problem(
    ask, answer: Answer, error: type[Exception], tries: int
) -> None:
    with Peer(answer) as peer, pytest.raises(error) as raised:
        await ask(peer)
    assert len(peer.requests) == tries
    assert raised.value.status in (502, 503, 504)
    for word in ("quota", "billing", "credit", "key"):
        assert word not in str(raised.value)
    if "Retry-After" in answer.headers:
        assert raised.value.retry_after == 600


async def test_a_server_that_refuses_stream_options_is_asked_without(ask) -> None:
    first = refusal(400, {"message": "Unrecognized request argument: stream_options"})
    with Peer(first, reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    assert "stream_options" not in peer.requests[1].body


async def test_nobody_there_is_unavailable(settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    with pytest.raises(ProviderUnavailable):
        [event_ async for event_ in OpenAIProvider().stream(REQUEST)]


async def test_letting_go_closes_the_upstream_response(settings: Settings) -> None:
    with Peer(Answer([chunk("Hi"), HOLD])) as peer:
        settings.OPENAI_BASE_URL = peer.url
        stream = OpenAIProvider().stream(REQUEST)
        assert await anext(stream) == Delta("Hi")
        await stream.aclose()
        assert await asyncio.to_thread(peer.closed_by_client.wait, 60)
