"""How the stream of a compatible server ends, well and badly."""

from __future__ import annotations

from itertools import repeat

import pytest
from pytest_django.fixtures import Settings

from chat.errors import ContentFiltered, ProviderFailed
from chat.replies.providers.base import Cut, Event, Usage
from tests.support.openai_ask import USAGE, collect, native, text_of, usage_of
from tests.support.openai_peer import DONE, RESET, Answer, Peer, chunk, event, refusal

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("impatient")]


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
    "an error of no words": Answer([chunk("So far"), event({"error": {}})]),
    "an error in a choice": Answer(
        [chunk("So far"), event({"choices": [{"error": {"code": 502, "message": "oops"}}]}), DONE]
    ),
    "an error after the finish": Answer(
        [chunk("So far"), chunk(finish="stop"), event({"error": {"message": "oops"}}), DONE]
    ),
    "a bare error in place of an event": Answer(
        [chunk("So far"), b'{"error": {"message": "oops"}}\n']
    ),
    "a bare object in place of an event": Answer([chunk("So far"), b'{"done": true}\n']),
    "reset": Answer([chunk("So far"), RESET]),
    "half a character": Answer([chunk("So far"), chunk("🌍")[:-60], RESET]),
    "a line without end": Answer([chunk("So far"), b"data: ", repeat(b"x" * 65_536)]),
    "an event without end": Answer([chunk("So far"), repeat(b"data: " + b"x" * 65_536 + b"\n")]),
    "a body without end": Answer([chunk("So far"), b"{\n", repeat(b'"x",\n' * 9_999)]),
    **{
        f"finish_reason {reason}": Answer([chunk("So far"), chunk(finish=reason), DONE])
        for reason in ("error", "abort", "insufficient_system_resource", "engine_error")
    },
    "a finish whose model failed": Answer([chunk("So far"), native("stop", "error"), DONE]),
    "a finish whose model spoke nonsense": Answer(
        [chunk("So far"), native("stop", "MALFORMED_FUNCTION_CALL"), DONE]
    ),
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
    assert text_of(got).rstrip("\ufffd") == "So far"
    assert len(peer.requests) == 1


FILTERED = {
    "a finish_reason": Answer([chunk("So far"), chunk(finish="content_filter"), DONE]),
    "what the model said": Answer([chunk("So far"), native("stop", "SAFETY"), DONE]),
    "an error in the stream": Answer(
        [chunk("So far"), event({"error": {"code": "content_filter"}})]
    ),
    "a refusal": refusal(400, {"code": "content_filter", "message": "content management policy"}),
}


@pytest.mark.parametrize("answer", FILTERED.values(), ids=FILTERED.keys())
async def test_a_content_filter_has_an_error_of_its_own(settings: Settings, answer: Answer) -> None:
    got: list[Event] = []
    with Peer(answer) as peer:
        settings.OPENAI_BASE_URL = peer.url
        with pytest.raises(ContentFiltered):
            await collect(got)
    assert text_of(got) == ("So far" if answer.status == 200 else "")
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "last", [chunk("!", finish="length"), native("stop", "MAX_TOKENS"), chunk(finish="max_tokens")]
)
async def test_a_reply_at_its_length_limit_is_whole_and_cut(ask, last: bytes) -> None:
    with Peer(Answer([chunk("So far"), last, event({"usage": USAGE}), DONE])) as peer:
        events = await ask(peer)
    assert text_of(events).startswith("So far")
    assert events.count(Cut()) == 1
    assert usage_of(events) == Usage(9, 2)
