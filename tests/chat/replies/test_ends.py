"""How a stream ends decides what it costs, what is kept and what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chat.models import Chat
from chat.replies import buffer
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_peer import DONE, HOLD, PAUSE, Answer, Peer, chunk, event, refusal, reply
from tests.support.replies import Client, facts, parse, read, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]


@pytest.fixture(autouse=True)
async def _openai(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    settings.AI_PROVIDER = "openai"
    settings.AI_FIRST_TOKEN_TIMEOUT = settings.AI_IDLE_TIMEOUT = 60
    monkeypatch.setattr("chat.replies.providers.refusals.backoff_secs", lambda attempt: 0.01)
    yield
    await OpenAIProvider().close()


@pytest.fixture
def serve(settings: Settings) -> Iterator[Any]:
    """Starts a peer with those answers."""
    peers: list[Peer] = []

    def start(*answers: Answer) -> Peer:
        peer = Peer(*answers).__enter__()
        peers.append(peer)
        settings.OPENAI_BASE_URL = peer.url
        return peer

    yield start
    for peer in peers:
        peer.__exit__()


@dataclass
class End:
    """`answers` of the model; `code` of the error, or none; what is kept of the text, as what."""

    answers: list[Answer]
    code: str = ""
    http: int = 200
    kept: str = ""
    status: str = ""
    cut_by: str | None = None
    tokens: int = 0


def said(*parts: Any) -> list[Answer]:
    return [Answer([chunk("So *far"), *parts])]


KEPT = {"kept": "So *far", "status": "failed"}
ENDS = {
    "complete": End(said(chunk(finish="stop"), DONE), kept="So *far", status="complete", tokens=1),
    "cut at the limit": End(
        said(chunk(finish="length"), DONE),
        kept="So *far",
        status="complete",
        cut_by="length",
        tokens=1,
    ),
    "an error in the stream": End(
        said(event({"error": {"message": "oops"}})), "provider_failed", 502, **KEPT
    ),
    "an error in a choice": End(
        said(event({"choices": [{"error": {"code": 500}}]})), "provider_failed", 502, **KEPT
    ),
    "finish_reason error": End(said(chunk(finish="error"), DONE), "provider_failed", 502, **KEPT),
    "no finish_reason": End(said(), "provider_failed", 502, **KEPT),
    "filtered": End(
        said(chunk(finish="content_filter"), DONE),
        "content_filtered",
        422,
        cut_by="content_filter",
        **KEPT,
    ),
    "filtered before the first word": End(
        [Answer([chunk(finish="content_filter"), DONE])], "content_filtered", 422
    ),
    "empty": End([Answer([chunk(finish="stop"), DONE])], "provider_failed", 502),
    "nothing to see": End([reply("\u3164 \u2800\u0301\U0001d159\u200b")], "provider_failed", 502),
    "only reasoning": End([reply("<think>So far")], "provider_failed", 502),
    "empty at the limit": End([Answer([chunk(finish="length"), DONE])], "provider_failed", 502),
    "too long": End([refusal(400, {"code": "context_length_exceeded"})], "message_too_long", 422),
    "busy": End([refusal(429)], "provider_unavailable", 503),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_every_end_has_its_price_and_its_message(chat: Chat, serve: Any, end: End) -> None:
    serve(*end.answers)
    client = Client(chat.user)
    events = await read(await client.stream(chat, key="k"))
    closing = events[-1]
    assert closing.name == ("error" if end.code else "done")
    assert closing.data.get("error", {}).get("code", "") == end.code
    assert closing.data["balance"]["available"] == 3 - end.tokens
    message = closing.data.get("message")
    assert (message["content"] if message else "") == end.kept
    found = await facts(chat)
    assert (found.balance, found.held) == (3 - end.tokens, 0)
    if message:
        assert message["status"] == found.messages[-1].status == end.status
        assert message["cut_by"] == end.cut_by
        assert (message["receipt"] or {"tokens": 0})["tokens"] == end.tokens
        whole = end.status == "complete" and end.cut_by is None
        html = "So *far" if whole else "So <em>far</em>"
        assert message["content_html"] == f'<p dir="auto">{html}</p>\n'
    replay = await client.generate(chat, key="k")
    assert replay.status_code == end.http


@pytest.mark.parametrize("behind", ["</think>", "\n</think>\n", "</think><think>more"])
async def test_what_was_read_and_has_nothing_behind_it_is_charged_and_stays(
    chat: Chat, serve: Any, behind: str
) -> None:
    serve(reply(f"A whole answer.{behind}"))
    events = await read(await Client(chat.user).stream(chat))
    assert text_of(events).startswith("A whole answer.")
    assert events[-1].name == "done"
    assert events[-1].data["message"]["content"] == text_of(events)
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)


async def test_a_reply_longer_than_ours_may_be_is_cut_and_marked(
    chat: Chat, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "REPLY_MAX_CHARS", 10)
    peer = serve(Answer([chunk("123456"), chunk("789012345"), HOLD]))
    message = (await Client(chat.user).generate(chat)).json()["message"]
    assert (message["content"], message["cut_by"]) == ("1234567890", "length")
    assert peer.closed_by_client.wait(60)


async def test_a_conversation_that_once_did_not_fit_goes_on(chat: Chat, serve: Any) -> None:
    too_long = refusal(400, {"code": "context_length_exceeded"})
    serve(too_long, too_long, too_long, reply("Hi"))
    client = Client(chat.user)
    assert (await client.generate(chat, {"content": "x" * 10_000})).status_code == 422
    serve(too_long, reply("Hi"))
    answer = await client.generate(chat, {"content": "Shorter?"})
    assert answer.json()["message"]["content"] == "Hi"
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)


class Waits:
    """asyncio as the engine sees it, with the limits of its waits written down."""

    def __init__(self) -> None:
        self.limits: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    def timeout(self, secs: float) -> Any:
        loop, limits = asyncio.get_running_loop(), self.limits

        class Timeout(asyncio.Timeout):
            def reschedule(self, when: float | None) -> None:  # its beginning calls it too
                if when is not None:
                    limits.append(round(when - loop.time()))
                super().reschedule(when)

        return Timeout(loop.time() + secs)


@pytest.mark.parametrize("sign", [b": waiting\n\n", event({"choices": [{"delta": {"role": "a"}}]})])
async def test_every_sign_of_life_gives_the_model_its_time_anew(
    chat: Chat, serve: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, sign: bytes
) -> None:
    settings.AI_FIRST_TOKEN_TIMEOUT, settings.AI_IDLE_TIMEOUT = 901, 902
    waits = Waits()
    monkeypatch.setattr("chat.replies.run.asyncio", waits)
    serve(Answer([sign, sign, chunk("Hi"), sign, chunk(finish="stop"), DONE]))
    assert (await Client(chat.user).generate(chat)).json()["message"]["content"] == "Hi"
    limits = [secs for secs in waits.limits if secs in (901, 902)]
    # The server's answer, two signs and the text; then a sign, the finish and the end.
    assert limits == [901] * 4 + [902] * 3


async def test_a_provider_that_is_busy_until_our_time_is_up_is_unavailable(
    chat: Chat, serve: Any, settings: Settings
) -> None:
    settings.AI_TOTAL_TIMEOUT = 2
    serve(refusal(429, **{"Retry-After": "9"}))
    response = await Client(chat.user).generate(chat)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "provider_unavailable"
    assert response.json()["error"]["retry_after"] == 9


async def test_one_that_falls_silent_after_a_refusal_is_unavailable_too(
    chat: Chat, serve: Any, settings: Settings
) -> None:
    settings.AI_FIRST_TOKEN_TIMEOUT = 5
    serve(refusal(429), Answer([HOLD], silent=True))
    assert (await Client(chat.user).generate(chat)).json()["error"]["code"] == (
        "provider_unavailable"
    )


async def test_one_that_answers_and_then_hangs_took_too_long(
    chat: Chat, serve: Any, settings: Settings
) -> None:
    settings.AI_FIRST_TOKEN_TIMEOUT = 5
    serve(refusal(429), Answer([HOLD]))
    assert (await Client(chat.user).generate(chat)).json()["error"]["code"] == "provider_timeout"


async def test_reasoning_that_was_shown_is_replaced(chat: Chat, serve: Any) -> None:
    serve(reply("I should greet them.", "\n</think>", "\n\nHello", " there."))
    events = await read(await Client(chat.user).stream(chat))
    deltas = [event for event in events if event.name == "delta"]
    replacing = next(n for n, delta in enumerate(deltas) if delta.data.get("replace"))
    assert "".join(delta.data["text"] for delta in deltas[replacing:]) == "Hello there."
    assert deltas[-1].id == len("Hello there.")
    assert events[-1].data["message"]["content"] == "Hello there."
    assert (await facts(chat)).messages[-1].content == "Hello there."


async def test_who_resumes_after_the_replacement_gets_all_of_the_text(
    chat: Chat, serve: Any
) -> None:
    thought = chunk("I should greet them, and warmly so.")
    spoken = [chunk("\n</think>\n"), chunk("Hello"), chunk(" there."), chunk(finish="stop"), DONE]
    peer = serve(Answer([thought, PAUSE, *spoken]))
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    path = f"/api/generations/{generation_id}/events"
    response = await client.get(path, **{"last-event-id": "5"})
    body = ""
    async for part in response.streaming_content:
        body += part.decode()
        if "warmly" in part.decode():
            peer.go_on()  # it follows, and has been shown the thought
    events = parse(body)
    assert events[-1].data["message"]["content"] == "Hello there."
    replacing = next(n for n, each in enumerate(events) if each.data.get("replace"))
    assert text_of(events[replacing:]) == "Hello there."


SECRET = "grandma likes tulips"
QUOTES = {
    "a refusal": refusal(
        400, {"message": f"'{SECRET}' (key sk-attack-1)", "code": "invalid_value", "type": SECRET}
    ),
    "a code of words": refusal(400, {"message": "no", "code": SECRET}),
    "an error in the stream": Answer([event({"error": {"message": SECRET, "type": "bad_input"}})]),
    "an error as text": Answer([chunk("So"), event({"error": SECRET})]),
    "a finish_reason": Answer([chunk("So"), chunk(finish=f"error: {SECRET}"), DONE]),
    "no JSON": Answer([SECRET.encode()], 500),
    "no HTTP": Answer([SECRET.encode()], silent=True),
    "a header": Answer([f"HTTP/1.1 200 OK\r\n{SECRET}\r\n\r\n".encode()], silent=True),
    "a chunk": Answer(
        [f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n".encode()], silent=True
    ),
    "a redirect": Answer(
        [b"moved"], 302, {"Location": f"http://127.0.0.1:1/{SECRET.replace(' ', '+')}"}
    ),
}


@pytest.mark.parametrize("answer", QUOTES.values(), ids=QUOTES.keys())
async def test_no_words_of_a_server_are_kept_or_logged(
    chat: Chat, serve: Any, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    peer = serve(answer)
    assert (await Client(chat.user).generate(chat)).status_code in (502, 503)
    (generation,) = (await facts(chat)).generations
    logged = "\n".join([str(record.__dict__) for record in caplog.records])
    assert "provider." in logged, "else this test would see nothing"
    for word in ("tulips", "sk-attack"):
        assert word not in generation.error_detail
        assert word not in logged
    if answer is QUOTES["a refusal"]:
        assert generation.error_detail == "ProviderFailed: 400 invalid_value"
    assert all(request.path.endswith("/chat/completions") for request in peer.requests)


async def test_a_redirect_is_a_refusal_and_leads_nowhere(chat: Chat, serve: Any) -> None:
    inside = serve(reply("our metrics"))
    serve(Answer([b"moved"], 307, {"Location": f"{inside.url}/chat/completions"}))
    assert (await Client(chat.user).generate(chat)).json()["error"]["code"] == "provider_failed"
    assert inside.requests == []
    assert (await facts(chat)).balance == 3
