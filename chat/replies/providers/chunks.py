"""Reads the chunks of a chat completion: text, usage, and what their end means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from enum import Enum

import aiohttp
import structlog

from chat.errors import ContentFiltered, ProviderFailed
from chat.replies.providers.base import Cut, Delta, Event, Thinking, Usage
from chat.replies.providers.refusals import Refused, loggable, why_not
from chat.replies.providers.sse import DONE, JSONObject, json_events

logger = structlog.get_logger(__name__)

AFTER_FINISH_SECS = 3  # for the usage, which may come after finish_reason, or never
USAGE_MAX = 2**31  # as the columns are: a server's nonsense must not fail the reply


class Ending(Enum):
    """What a finish_reason comes to; of two that are named, the later one here counts."""

    NONE = 0
    WHOLE = 1
    CUT = 2
    FILTERED = 3
    FAILED = 4


CUT = {
    "length", "max_tokens", "max_output_tokens", "model_length", "token_limit",
    "model_context_window_exceeded",
}  # fmt: skip
FILTERED = {
    "content_filter", "content_filtered", "safety", "image_safety", "recitation", "blocklist",
    "prohibited_content", "spii", "sensitive", "refusal", "guardrail_intervened",
}  # fmt: skip
FAILED = {
    "abort", "aborted", "cancelled", "failed", "malformed_function_call", "malformed_response",
    "insufficient_system_resource",
}  # fmt: skip


async def events_of(body: AsyncIterator[bytes]) -> AsyncGenerator[Event, None]:
    """The events of one response, until `[DONE]` or its end.

    Raises Refused for an error in it, ContentFiltered, and ProviderFailed for an end that is none:
    a finish_reason of an error, a body that breaks off, or one that ends without a finish_reason.
    """
    ending, shown = Ending.NONE, False
    async with aclosing(json_events(body)) as chunks:
        while True:
            finished = ending is not Ending.NONE
            try:
                if finished:
                    async with asyncio.timeout(AFTER_FINISH_SECS):
                        chunk = await anext(chunks)
                else:
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                break
            except TimeoutError:
                return  # the reply is whole; what is missing is the count
            except aiohttp.ClientError as error:
                if finished:
                    return
                logger.warning("provider.cut_off", error=why_not(error))
                raise ProviderFailed from error
            if chunk is DONE:
                return
            choice = _first_choice(chunk)
            for told in (chunk.get("error"), choice.get("error")):
                if told not in (None, False, ""):
                    raise Refused.in_stream(told)
            if usage := _usage(chunk):
                yield usage
            text = _text(choice, whole=not shown)
            shown = shown or bool(text)
            yield Delta(text) if text else Thinking()
            ending = max(ending, _ending(choice), key=lambda found: found.value)
            if ending is Ending.FAILED:
                logger.warning(
                    "provider.failed", finish_reason=loggable(choice.get("finish_reason"))
                )
                raise ProviderFailed
            if ending is Ending.FILTERED:
                raise ContentFiltered
            if ending is Ending.CUT and not finished:
                yield Cut()
    if ending is Ending.NONE:
        logger.warning("provider.cut_off", error="end without finish_reason")
        raise ProviderFailed


def _first_choice(chunk: JSONObject) -> JSONObject:
    """The first choice; `choices` may be empty, null or missing."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _text(choice: JSONObject, *, whole: bool) -> str:
    """The visible text: reasoning has fields of its own, or parts of another type.

    A server that does not stream has a `message` in place of the `delta`; one that does may send
    the message at its end again, of which nothing is new.
    """
    found = choice.get("delta")
    if found is None and whole:
        found = choice.get("message")
    content = found.get("content") if isinstance(found, dict) else None
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _ending(choice: JSONObject) -> Ending:
    """The worse of what the server says and what it says that the model behind it said."""
    reasons = [choice.get("finish_reason"), choice.get("native_finish_reason")]
    found = [_meaning(str(reason).lower()) for reason in reasons if reason]
    return max(found, key=lambda ending: ending.value, default=Ending.NONE)


def _meaning(reason: str) -> Ending:
    if reason in FAILED or "error" in reason:
        return Ending.FAILED
    if reason in FILTERED:
        return Ending.FILTERED
    return Ending.CUT if reason in CUT else Ending.WHOLE


def _usage(chunk: JSONObject) -> Usage | None:
    usage = chunk.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < USAGE_MAX else None
