"""The connection that listens ends when it is told to, and tells nobody about what it dropped."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.conf import settings

from intellispark.realtime.transport.subscriptions import CONFIRM_SECS, Subscriptions


def listening(url: str) -> Subscriptions:
    return Subscriptions(url, heard=lambda topic, payload: None, returned=lambda: None)


@pytest.mark.redis
@pytest.mark.parametrize("busy", [False, True])
def test_its_loop_can_end_at_any_moment(busy: bool) -> None:
    async def use() -> None:
        subscriptions = listening(settings.REDIS_URL)
        await subscriptions.add("some topic")
        subscriptions.remove("some topic")
        if busy:
            await asyncio.sleep(0)  # into the middle of a send

    for _ in range(5):
        with asyncio.Runner() as runner:
            runner.run(use())
            began = time.monotonic()
        assert time.monotonic() - began < 10


async def test_nobody_waits_for_a_redis_that_is_not_there() -> None:
    subscriptions = listening("redis://127.0.0.1:1/0")
    began = time.monotonic()
    for number in range(20):
        await subscriptions.add(str(number))
    assert time.monotonic() - began < 10 * CONFIRM_SECS, "most of them waited"
    await subscriptions.close()
