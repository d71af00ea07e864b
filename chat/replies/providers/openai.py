"""Replies from OpenAI, or from any server that speaks its chat completions protocol.

Servers differ in what they refuse and in what they send: `openai_request` asks, `refusals` reads
what they refuse, `chunks` and `sse` what they send. `docs/replies.md` lists the differences.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import aiohttp
import structlog
from django.conf import settings

from chat.errors import ContentFiltered, ProviderFailed
from chat.replies.providers import connections
from chat.replies.providers.base import Delta, Event, ReplyRequest, Retrying, Thinking
from chat.replies.providers.chunks import events_of
from chat.replies.providers.openai_request import Ask
from chat.replies.providers.refusals import SAID_MAX_CHARS, Refused, why_not

logger = structlog.get_logger(__name__)

OPENAI = "https://api.openai.com/v1"
REFUSAL_SECS = 5  # for the words of a refusal; its status came before
LINGER_SECS = 0.1  # for the end of a body after its last event: then the connection serves again


class OpenAIProvider:
    """The configured model of `settings.OPENAI_BASE_URL`, by default OpenAI's own."""

    @property
    def model(self) -> str:
        return str(settings.OPENAI_MODEL)

    @property
    def price_tokens(self) -> int:
        return settings.AI_PRICE_TOKENS

    async def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]:
        """Text and usage of one reply. Asks again only while nothing was shown yet."""
        ask = Ask(self.model, request.system, request.turns)
        attempt, shown = 1, False
        while True:
            try:
                async with aclosing(_answer(ask)) as events:
                    async for event in events:
                        shown = shown or isinstance(event, Delta)
                        yield event
                return
            except Refused as refused:
                logger.warning("provider.refused", attempt=attempt, error=str(refused))
                error = refused.error()
                if shown:
                    filtered = isinstance(error, ContentFiltered)
                    raise (error if filtered else ProviderFailed()) from refused
                adapted = ask.adapted_to(refused)
                wait = 0.0 if adapted else refused.retry_secs(attempt)
                if wait is None:
                    raise error from refused
                yield Retrying(error)
            if adapted:
                ask = adapted
            else:
                attempt += 1
                await asyncio.sleep(wait)

    async def close(self) -> None:
        await connections.close()


async def _answer(ask: Ask) -> AsyncGenerator[Event, None]:
    """The events of one response. Raises Refused, and what `events_of` raises."""
    key = settings.OPENAI_API_KEY  # servers of one's own ask for none
    url = f"{(settings.OPENAI_BASE_URL or OPENAI).rstrip('/')}/chat/completions"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        response = await connections.post(url, body=ask.body(), headers=headers)
    except (aiohttp.ClientError, OSError) as error:
        raise Refused(503, "", why=f"not reachable: {why_not(error)}") from error
    try:
        if not 200 <= response.status < 300:
            raise Refused(response.status, await _said(response), response.headers)
        yield Thinking()
        async with aclosing(events_of(response.content.iter_any())) as events:
            async for event in events:
                yield event
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(LINGER_SECS):
                await response.content.readany()
    finally:
        response.close()


async def _said(response: aiohttp.ClientResponse) -> str:
    """The beginning of a refusal's body, as far as it comes in time."""
    found = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(REFUSAL_SECS):
            async for block in response.content.iter_any():
                found += block
                if len(found) > SAID_MAX_CHARS:
                    break
    return found.decode("utf-8", "replace")
