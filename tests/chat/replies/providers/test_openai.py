"""Every way in which compatible servers differ in what they send, over real HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest
from pytest_django.fixtures import Settings

from chat.replies.providers.base import Delta, Thinking, Usage
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_ask import REQUEST, USAGE, collect, text_of, usage_of
from tests.support.openai_peer import DONE, HOLD, Answer, Peer, chunk, event, reply

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("impatient")]


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
    "a byte order mark": [
        b"\xef\xbb\xbf",
        chunk("Hi"),
        chunk(finish="stop", usage=USAGE),
        DONE,
    ],
    "carriage returns alone": [
        chunk("Hi").replace(b"\n", b"\r"),
        chunk(finish="stop", usage=USAGE).replace(b"\n", b"\r"),
        DONE,
    ],
    "no empty lines": [
        chunk("Hi")[:-1],
        chunk(finish="stop", usage=USAGE)[:-1],
        DONE,
    ],
    "data of several lines": [
        chunk("Hi").replace(b', "', b',\ndata: "'),
        chunk(finish="stop", usage=USAGE).replace(b', "', b',\r\ndata: "'),
        DONE,
    ],
    "one JSON body in place of a stream": [
        json.dumps(
            {
                "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
                "usage": USAGE,
            },
            indent=2,
        ).encode()
    ],
    "a body whose finish_reason is missing": [
        json.dumps({"choices": [{"message": {"content": "Hi"}}], "usage": USAGE}).encode()
    ],
    "the message again at its end": [
        chunk("Hi"),
        event(
            {
                "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
                "usage": USAGE,
            }
        ),
        DONE,
    ],
    "fields that nobody asked for": [
        b"id: 1\nretry: 5\nevent: message\n" + chunk("Hi"),
        chunk(finish="stop", usage=USAGE, system_fingerprint=None),
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
        monkeypatch.setattr("chat.replies.providers.chunks.AFTER_FINISH_SECS", 0.3)
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
    assert events[:2] == [Thinking(), Thinking()]  # the server's answer, then its reasoning


async def test_comments_are_signs_of_life(ask) -> None:
    with Peer(Answer([b": busy\n\n", chunk("Hi"), chunk(finish="stop"), DONE])) as peer:
        assert (await ask(peer))[:3] == [Thinking(), Thinking(), Delta("Hi")]


async def test_letting_go_closes_the_upstream_response(settings: Settings) -> None:
    with Peer(Answer([chunk("Hi"), HOLD])) as peer:
        settings.OPENAI_BASE_URL = peer.url
        stream = OpenAIProvider().stream(REQUEST)
        assert [await anext(stream), await anext(stream)] == [Thinking(), Delta("Hi")]
        await stream.aclose()
        assert await asyncio.to_thread(peer.closed_by_client.wait, 60)


async def test_no_key_is_no_header(settings: Settings) -> None:
    with Peer(reply("Hi")) as peer:
        settings.OPENAI_BASE_URL = peer.url + "/"
        settings.OPENAI_API_KEY = ""
        await collect([])
    assert "authorization" not in peer.requests[0].headers
    assert peer.requests[0].path == "/v1/chat/completions"
