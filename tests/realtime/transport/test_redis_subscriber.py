"""The connection that listens ends when it is told to, and nobody waits long for its Redis."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from intellispark.realtime.transport.redis_subscriber import CONFIRM_SECS, RedisSubscriber


def subscriber(url: str) -> RedisSubscriber:
    layer: Any = SimpleNamespace(loss_topic="lost", on_loss=lambda: None)
    return RedisSubscriber({"address": url}, SimpleNamespace(channel_layer=layer))


@pytest.mark.redis
@pytest.mark.parametrize("busy", [False, True])
def test_its_loop_can_end_at_any_moment(busy: bool) -> None:
    async def use() -> None:
        redis = subscriber(settings.REDIS_URL)
        await redis.subscribe("some topic")
        await redis.unsubscribe("some topic")
        if busy:
            await asyncio.sleep(0)  # into the middle of a send

    for _ in range(5):
        with asyncio.Runner() as runner:
            runner.run(use())
            began = time.monotonic()
        assert time.monotonic() - began < 10


async def test_nobody_waits_for_a_redis_that_is_not_there() -> None:
    redis = subscriber("redis://127.0.0.1:1/0")
    began = time.monotonic()
    for number in range(20):
        await redis.subscribe(str(number))
    assert time.monotonic() - began < 10 * CONFIRM_SECS, "most of them waited"
    await redis.flush()
