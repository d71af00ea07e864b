"""Two Redis servers share the groups of the channel layer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings

from intellispark.accounts.models import User
from intellispark.realtime.publish import user_group
from tests.support.factories import make_user
from tests.support.live import PATIENCE_SECS, all_right, heard_again, kinds_of, ops_of, spend
from tests.support.pages import Page, open_pages
from tests.support.redis import (
    RedisServer,
    forget_failures,
    join_channel_layer,
    wait_for_redis,
)
from tests.support.server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]

BEACON_SECS = django_settings.BEACON_SECS  # of the server; this process has none


class Cluster(NamedTuple):
    shards: list[RedisServer]
    server: Server


class Watcher(NamedTuple):
    user: User
    page: Page


@pytest.fixture(scope="module")
def processes(django_db_setup: None) -> Iterator[Cluster]:
    with ExitStack() as stack:
        shards = [stack.enter_context(RedisServer()) for _ in range(2)]
        hosts = ",".join(shard.url for shard in shards)
        server = stack.enter_context(Server(REDIS_URL=shards[0].url, CHANNEL_HOSTS=hosts))
        yield Cluster(shards, server)


@pytest.fixture
def cluster(
    processes: Cluster, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """This process joins the server: what the test spends here, it publishes to its page."""
    wait_for_redis(monkeypatch)
    settings.REDIS_URL = processes.shards[0].url
    join_channel_layer(settings, ",".join(shard.url for shard in processes.shards))
    forget_failures()
    yield processes
    forget_failures()


async def one_on_each(cluster: Cluster) -> list[Watcher]:
    """A person with an open page for each shard, in the order of the shards."""
    found: dict[int, Watcher] = {}
    for number in range(50):
        user = await sync_to_async(make_user)(f"user{number}", tokens=100)
        (page,) = await open_pages(user, cluster.server)
        shard = await shard_of(cluster, user)
        if shard in found:
            await page.close()
        found.setdefault(shard, Watcher(user, page))
        if len(found) == len(cluster.shards):
            break
    return [found[shard] for shard in range(len(cluster.shards))]


async def shard_of(cluster: Cluster, user: User) -> int:
    """Waits until exactly one of them has the person's group."""
    topic = f"intellispark:group:{user_group(user.pk)}"
    async with asyncio.timeout(PATIENCE_SECS):
        while True:
            listeners = [shard.client().pubsub_numsub(topic)[0][1] for shard in cluster.shards]
            if any(listeners):
                assert sorted(listeners) == [0, 1]
                return listeners.index(1)
            await asyncio.sleep(0.05)


async def hears(watcher: Watcher, key: str) -> None:
    """A spend of this process comes to the page of the other as a frame."""
    await spend(watcher.user, key)
    op = f"{watcher.user.username}:{key}"
    await watcher.page.until(lambda: op in ops_of(watcher.page), PATIENCE_SECS)


async def test_frames_arrive_whichever_shard_their_group_is_on(cluster: Cluster) -> None:
    for watcher in await one_on_each(cluster):
        for number in range(5):
            await hears(watcher, str(number))
        await watcher.page.close()


@pytest.mark.parametrize("dead", [0, 1])
async def test_a_dead_shard_leaves_the_groups_of_the_other_alone(
    cluster: Cluster, dead: int
) -> None:
    watchers = await one_on_each(cluster)
    lost, kept = watchers[dead], watchers[1 - dead]
    await hears(kept, "before")
    await hears(lost, "before")
    cluster.shards[dead].kill()
    for number in range(3):
        await spend(lost.user, f"lost-{number}")  # finds out that its shard is dead
        await hears(kept, f"kept-{number}")
    await all_right(lost.user, [lost.page], BEACON_SECS + PATIENCE_SECS)  # by a beacon
    assert not any("lost" in op for op in ops_of(lost.page))
    assert "resync" not in kinds_of(kept.page), "told before it could be looked up"
    await asyncio.to_thread(cluster.shards[dead].start)
    await heard_again(lost.user, [lost.page])
    for _user, page in watchers:
        await page.until(lambda page=page: "resync" in kinds_of(page), PATIENCE_SECS)
        await page.close()
