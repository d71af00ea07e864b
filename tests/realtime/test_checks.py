"""A start on a channel layer that sockets cannot use is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from intellispark.realtime.checks import channel_layer


def test_ours_is_accepted() -> None:
    assert channel_layer() == []


@pytest.mark.parametrize(
    "layers",
    [
        {},
        {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}},
    ],
)
def test_another_is_refused_by_its_name(settings: Any, layers: dict[str, Any]) -> None:
    settings.CHANNEL_LAYERS = layers
    (error,) = channel_layer()
    assert error.id == "realtime.E001"
    assert "DirectChannelLayer" in (error.hint or "")


def test_it_is_one_of_the_checks_of_a_start(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert "realtime.E001" in {found.id for found in run_checks()}
