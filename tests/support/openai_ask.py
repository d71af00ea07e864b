"""Asking the OpenAI provider itself, without an engine around it."""

from __future__ import annotations

from chat.replies.providers.base import Delta, Event, ReplyRequest, Turn, Usage
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_peer import event

REQUEST = ReplyRequest(
    system="You are kind.",
    turns=[Turn("assistant", "Welcome."), Turn("user", "Hi."), Turn("user", "Hello?")],
    language="en",
)

USAGE = {"prompt_tokens": 9, "completion_tokens": 2}


async def collect(got: list[Event]) -> None:
    """Into `got`, so that what came before a failure counts."""
    async for event_ in OpenAIProvider().stream(REQUEST):
        got.append(event_)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def usage_of(events: list[Event]) -> Usage | None:
    return next((event for event in reversed(events) if isinstance(event, Usage)), None)


def native(finish: str, native: str) -> bytes:
    return event(
        {"choices": [{"delta": {}, "finish_reason": finish, "native_finish_reason": native}]}
    )
