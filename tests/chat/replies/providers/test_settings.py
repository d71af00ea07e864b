"""Misconfigured providers are named at the start."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from chat.replies.checks import provider_exists


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"AI_PROVIDER": "gpt"}, ["chat.E001"]),
        ({"AI_PROVIDERS": {"demo": "chat.replies.providers.registry.none.Such"}}, ["chat.E002"]),
        ({"AI_PROVIDER": "openai"}, ["chat.E003"]),
        ({"AI_PROVIDER": "openai", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, []),
    ],
)
def test_a_provider_that_could_not_answer(settings: Settings, values: dict, found: list) -> None:
    settings.AI_PROVIDER = "demo"
    settings.OPENAI_BASE_URL = settings.OPENAI_API_KEY = ""
    for name, value in values.items():
        setattr(settings, name, value)
    assert [message.id for message in provider_exists()] == found
