"""A server that refuses a part of the request is asked again without it."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from chat.errors import MessageTooLong
from chat.replies.providers.base import ReplyRequest, Turn
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_ask import text_of
from tests.support.openai_peer import Answer, Peer, event, refusal, reply

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("impatient")]


async def test_a_server_that_refuses_stream_options_is_asked_without(ask) -> None:
    first = refusal(400, {"message": "Unrecognized request argument: stream_options"})
    with Peer(first, reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    assert "stream_options" not in peer.requests[1].body


NO_SYSTEM_ROLE = [
    refusal(400, {"message": "System role not supported"}),
    refusal(400, {"message": "Developer instruction is not enabled for this model"}),
    refusal(422, {"message": "messages.0.role: Input should be 'user' or 'assistant': valid role"}),
    refusal(
        500, {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}
    ),
    Answer([event({"error": {"message": "Only user and assistant roles are supported!"}})]),
]


@pytest.mark.parametrize("first", NO_SYSTEM_ROLE)
async def test_a_server_that_refuses_the_system_role_gets_it_in_the_first_turn(
    ask, first: Answer
) -> None:
    with Peer(first, reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    messages = peer.requests[1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[0]["content"].startswith("You are kind.\n\n")


TOO_LONG = [
    refusal(400, {"code": "context_length_exceeded", "message": "no"}),
    refusal(400, {"message": "This model's maximum context length is 4096 tokens. However, …"}),
    refusal(400, {"message": "the request exceeds the available context size. try increasing it"}),
    refusal(400, {"message": "The input token count (9000) exceeds the maximum number of tokens"}),
    refusal(400, {"message": "prompt is too long: 9000 tokens > 4096 maximum"}),
    refusal(422, {"message": "Input is too long for requested model."}),
    refusal(413, {"message": "Payload Too Large"}),
    refusal(500, {"message": "input length exceeds maximum context length"}),
    Answer([event({"error": {"message": "Trying to keep the first 9000 tokens when context … "
                             "the context length is only 4096"}})]),
]  # fmt: skip

LONG = ReplyRequest(
    system="You are kind.",
    turns=[
        Turn(role, f"{role} {n} {'word ' * 20}")
        for n in range(10)
        for role in ("assistant", "user")
    ],
    language="en",
)


@pytest.mark.parametrize("refused", TOO_LONG)
async def test_a_conversation_that_does_not_fit_loses_its_oldest_turns(
    settings: Settings, refused: Answer
) -> None:
    with Peer(refused, refused, reply("Hi")) as peer:
        settings.OPENAI_BASE_URL = peer.url
        events = [event_ async for event_ in OpenAIProvider().stream(LONG)]
    assert text_of(events) == "Hi"
    asked = [request.body["messages"] for request in peer.requests]
    assert len(asked[0]) > len(asked[1]) > len(asked[2]) > 2
    for messages in asked:
        assert messages[0] == {"role": "system", "content": "You are kind."}
        assert messages[1]["role"] == "user"
        assert messages[-1] == asked[0][-1]
    for fewer in asked[1:]:  # whole turns, the newest of them
        assert fewer[1:] == asked[0][-len(fewer) + 1 :]


async def test_a_message_that_does_not_fit_alone_is_too_long(settings: Settings) -> None:
    with Peer(TOO_LONG[0]) as peer:
        settings.OPENAI_BASE_URL = peer.url
        with pytest.raises(MessageTooLong):
            [event_ async for event_ in OpenAIProvider().stream(LONG)]
    assert [m["role"] for m in peer.requests[-1].body["messages"]] == ["system", "user"]
    assert len(peer.requests) <= 12
