"""The OpenAI provider, asked by itself: `ask(peer)` is all events of one reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chat.replies.providers.base import Event
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_ask import REQUEST
from tests.support.openai_peer import Peer


@pytest.fixture
def ask(settings: Settings) -> Callable[[Peer], Any]:
    """Collects all events of one reply from that peer."""

    async def ask(peer: Peer) -> list[Event]:
        settings.OPENAI_BASE_URL = peer.url
        settings.OPENAI_API_KEY = "sk-test"
        settings.OPENAI_MODEL = "small"
        return [event async for event in OpenAIProvider().stream(REQUEST)]

    return ask


@pytest.fixture
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr("chat.replies.providers.refusals.backoff_secs", lambda attempt: 0.01)
    monkeypatch.setattr("chat.replies.providers.chunks.AFTER_FINISH_SECS", 60)
    yield
    await OpenAIProvider().close()
