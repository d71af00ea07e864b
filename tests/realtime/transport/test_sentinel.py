"""A Redis whose place another takes: those who listen and those who publish follow it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import redis

from intellispark.realtime.transport import redis_publisher, redis_subscriber
from intellispark.realtime.transport.hosts import parse_hosts
from intellispark.realtime.transport.layer import DirectChannelLayer
from tests.support.redis import RedisServer, Sentinel

PATIENCE_SECS = 60
Watched = tuple[Sentinel, RedisServer, RedisServer]


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A Sentinel, the server that it watches, and the one that will take its place."""
    with (
        RedisServer() as main,
        RedisServer(
            *f"--replicaof 127.0.0.1 {main.port} --repl-diskless-sync-delay 0".split()
        ) as spare,
        Sentinel(main) as sentinel,
    ):
        yield sentinel, main, spare


async def until(holds: Callable[[], Any]) -> None:
    def holds_now() -> Any:
        try:
            return holds()
        except redis.ConnectionError:  # a Sentinel ends the connections to the one it promotes
            return False

    async with asyncio.timeout(PATIENCE_SECS):
        while not await asyncio.to_thread(holds_now):  # noqa: ASYNC110  processes ring no bell
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_a_failover_is_followed_and_told(
    watched: Watched, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_subscriber, "PING_SECS", 0.5)
    monkeypatch.setattr(redis_publisher, "ANSWER_SECS", 0.5)
    sentinel, main, spare = watched
    here, there = (DirectChannelLayer(hosts=parse_hosts(sentinel.url)) for _ in range(2))
    heard: list[int] = []
    losses: list[str] = []
    there.on_loss = lambda: losses.append("told")
    channel = await there.new_channel()
    there.attach(channel, lambda message: heard.append(message["number"]))
    await there.group_add("g", channel)
    numbers = count()

    def publish() -> int:
        number = next(numbers)
        here.publish("g", {"number": number})
        return number

    async def one_is_heard() -> None:
        """Of those that are published from now on; until then they are published."""
        first = await asyncio.to_thread(publish)
        while not (heard and heard[-1] >= first):
            await asyncio.sleep(0.05)
            await asyncio.to_thread(publish)

    async with asyncio.timeout(PATIENCE_SECS):
        await one_is_heard()
    await until(lambda: spare.client().info("replication")["master_link_status"] == "up")
    await until(lambda: len(sentinel.client().sentinel_slaves("main")) == 1)
    getattr(main, fault)()
    await until(lambda: spare.client().info("replication")["role"] == "master")
    async with asyncio.timeout(PATIENCE_SECS):
        await one_is_heard()
    assert losses
    await until(lambda: spare.client().pubsub_numsub("intellispark:group:g")[0][1] == 1)
    for layer in (here, there):
        await layer.flush()
