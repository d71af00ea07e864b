"""Replies from OpenAI, or from any server that speaks its chat completions protocol.

The official client sends the request; its stream is read here, because servers differ in what
they send (docs/replies.md lists the differences that are allowed for) and because the
client's own reader cannot tell `[DONE]` from a connection that was cut.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import anyio
import httpx2
import openai
import structlog
from django.conf import settings

from chat.errors import ProviderFailed, ProviderTimeout, ProviderUnavailable
from chat.replies.providers.base import Delta, Event, ReplyRequest, Thinking, Usage
from chat.replies.providers.sse import DONE, json_events
from chat.replies.providers.turns import chat_messages

logger = structlog.get_logger(__name__)

ATTEMPTS = 3
RETRY_STATUSES = {408, 409, 429}  # and every 5xx
RETRY_AFTER_MAX_SECS = 10  # with a longer wait the reply fails, and the user decides
AFTER_FINISH_SECS = 3  # for the usage, which may come after finish_reason, or never

# What the client's transport raises while a body is read; the client does not translate it.
CUT_OFF = (httpx2.HTTPError, ssl.SSLError, anyio.EndOfStream)

Client = openai.AsyncOpenAI
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[tuple[str, str], Client]]
_clients = WeakKeyDictionary()


class OpenAIProvider:
    """The configured model of `settings.OPENAI_BASE_URL`, by default OpenAI's own."""

    @property
    def model(self) -> str:
        return settings.OPENAI_MODEL

    @property
    def price_tokens(self) -> int:
        return settings.AI_PRICE_TOKENS

    async def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]:
        """Yields text and usage of one reply. Retries only before the first text."""
        # Only what is set: some servers refuse parameters that they do not know, even at zero.
        params: dict[str, Any] = {
            "model": self.model,
            "messages": chat_messages(request),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with _client().chat.completions.with_streaming_response.create(
                    **params
                ) as response:
                    async with aclosing(_events(response.iter_bytes())) as events:
                        async for event in events:
                            yield event
                    return
            except openai.APIStatusError as error:
                if _refuses_stream_options(error) and params.pop("stream_options", None):
                    continue
                wait = _retry_delay(error, attempt)
                logger.warning(
                    "provider.refused", status=error.status_code, attempt=attempt, error=str(error)
                )
                if wait is None:
                    raise _failure(error) from error
            except openai.APITimeoutError as error:
                raise ProviderTimeout from error
            except openai.APIConnectionError as error:
                logger.warning("provider.unreachable", attempt=attempt, error=repr(error.__cause__))
                if attempt == ATTEMPTS:
                    raise ProviderUnavailable(retry_after=30) from error
                wait = _backoff_secs(attempt)
            except httpx2.TimeoutException as error:
                raise ProviderTimeout from error
            except CUT_OFF as error:
                logger.warning("provider.cut_off", error=repr(error))
                raise ProviderFailed from error
            await asyncio.sleep(wait)
        raise ProviderUnavailable


def _client() -> Client:
    """One client per loop and configuration: its connections belong to the loop."""
    config = (settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None or found[0] != config:
        client = openai.AsyncOpenAI(
            base_url=settings.OPENAI_BASE_URL or None,
            api_key=settings.OPENAI_API_KEY or "none",  # local servers ask for none
            max_retries=0,  # we retry ourselves: only we know whether text was shown
            timeout=httpx2.Timeout(settings.AI_TOTAL_TIMEOUT, connect=10),
        )
        found = _clients[loop] = (config, client)
    return found[1]


async def _events(body: AsyncIterator[bytes]) -> AsyncGenerator[Event, None]:
    """The events of one response. Raises ProviderFailed on an error chunk, or when cut off."""
    finished = False
    async with aclosing(json_events(body)) as chunks:
        while True:
            try:
                async with asyncio.timeout(AFTER_FINISH_SECS if finished else None):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                break
            except TimeoutError:
                return  # the reply is complete; only the usage is missing
            except CUT_OFF:
                if finished:
                    return
                raise
            if chunk is DONE:
                return
            if chunk.get("error"):
                logger.warning("provider.error_chunk", error=str(chunk["error"])[:500])
                raise ProviderFailed
            if usage := _usage(chunk):
                yield usage
            choice = _first_choice(chunk)
            finished = finished or bool(choice.get("finish_reason"))
            delta = choice.get("delta")
            yield Delta(text) if (text := _text(delta)) else Thinking()
    if not finished:
        logger.warning("provider.cut_off", error="end without finish_reason")
        raise ProviderFailed


def _first_choice(chunk: dict[str, Any]) -> dict[str, Any]:
    """The first choice; `choices` may be empty, null or missing."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _text(delta: Any) -> str:
    """The delta's text. Reasoning comes in other fields, or in parts of another type."""
    content = delta.get("content") if isinstance(delta, dict) else None
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _usage(chunk: dict[str, Any]) -> Usage | None:
    usage = chunk.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: Any) -> int | None:
    # Bounded like the column: a nonsensical count must not fail the reply.
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def _refuses_stream_options(error: openai.APIStatusError) -> bool:
    return error.status_code in (400, 422) and "stream_options" in error.response.text


def _retry_delay(error: openai.APIStatusError, attempt: int) -> float | None:
    """Seconds to wait before the next attempt; None when there should be none."""
    status = error.status_code
    if attempt == ATTEMPTS or not (status in RETRY_STATUSES or status >= 500):
        return None
    if "insufficient_quota" in (error.code, error.type) or "insufficient_quota" in str(error.body):
        return None
    retry_after = _retry_after_secs(error)
    if retry_after is None:
        return _backoff_secs(attempt)
    return retry_after if retry_after <= RETRY_AFTER_MAX_SECS else None


def _retry_after_secs(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _backoff_secs(attempt: int) -> float:
    return 0.5 * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311


def _failure(
    error: openai.APIStatusError,
) -> ProviderFailed | ProviderUnavailable | ProviderTimeout:
    """The error that the user gets for that refusal; it tells nothing about our account."""
    status = error.status_code
    if status in (408, 504):
        return ProviderTimeout()
    if status in (401, 402, 403, 404, 429, 503, 529):
        wait = _retry_after_secs(error)
        return ProviderUnavailable(retry_after=min(3600, max(1, round(wait or 30))))
    return ProviderFailed()
