"""Two server processes and a Redis, and everything that may befall them."""

from __future__ import annotations

import asyncio
import json
import resource
import select
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings as django_settings
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from chat.models import Character, CharacterText, Chat
from intellispark.accounts.models import Session, User
from intellispark.accounts.suspension import suspend
from intellispark.accounts.tokens import issue
from intellispark.realtime import publish
from intellispark.realtime.transport import redis_publisher
from intellispark.realtime.transport.breaker import redis_breaker
from tests.support.factories import make_character, make_user
from tests.support.live import (
    PATIENCE_SECS,
    all_right,
    heard_again,
    kinds_of,
    ops_of,
    spend,
    subscribed,
    version_of,
)
from tests.support.pages import Page, open_page, open_pages, signed_in
from tests.support.redis import (
    RedisServer,
    forget_failures,
    join_channel_layer,
    wait_for_redis,
)
from tests.support.server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]

BEACON_SECS = django_settings.BEACON_SECS  # of the servers; this process has none
SPEND_SECS = 0.7
LIVES_SECS = (3, 6, 12, 24, 48)  # of a token: the first in which both pages could be opened
AS_IT_IS_SECS = redis_publisher.TIMEOUT_SECS

Cluster = tuple[RedisServer, Server, Server]


@pytest.fixture(scope="module")
def processes(django_db_setup: None) -> Iterator[Cluster]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        servers = [Server(REDIS_URL=redis.url) for _ in range(2)]
        for server in servers:
            stack.callback(server.kill)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Server.start, servers))
        yield redis, servers[0], servers[1]


@pytest.fixture
async def cluster(
    processes: Cluster, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    """This process joins the others: what the test spends here, it publishes to their Redis.

    It waits for Redis as long as it takes, or a slow moment would be a lost frame.
    """
    redis, *servers = processes
    settings.REDIS_URL = redis.url
    wait_for_redis(monkeypatch)
    join_channel_layer(settings, redis.url)
    forget_failures()
    yield processes
    forget_failures()
    if redis.process is not None and redis.process.poll() is not None:
        redis.start()
    redis.thaw()
    for server in servers:
        if server.process is not None and server.process.poll() is not None:
            await asyncio.to_thread(server.start)


def short_timeout(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on this process waits for Redis as little as it does in production."""
    monkeypatch.setattr(redis_publisher, "TIMEOUT_SECS", AS_IT_IS_SECS)
    join_channel_layer(settings, settings.REDIS_URL)


async def cost_of_finding_out(user: User) -> float:
    """Seconds that a spend takes which has to find out that Redis is away: the least of a few,
    since the machine may be slow at any one of them, but the wait for Redis is in each."""
    took = []
    for number in range(5):
        while not redis_breaker.allows():  # noqa: ASYNC110  it has no bell
            await asyncio.sleep(0.05)
        took.append(await spend(user, f"away-{number}"))
    return min(took)


async def test_frames_reach_every_process_and_only_their_person(cluster: Cluster) -> None:
    redis, *servers = cluster
    people = [await sync_to_async(make_user)(name, tokens=100) for name in ("alice", "bob")]
    pages = {user.username: await open_pages(user, *servers, *servers) for user in people}
    for user in people:
        await subscribed(redis, publish.user_group(user.pk), len(servers))
    for number in range(20):
        for user in people:
            await spend(user, str(number))
    for user in people:
        mine = pages[user.username]
        await all_right(user, mine, BEACON_SECS + PATIENCE_SECS)
        for page in mine:
            await page.until(lambda page=page: len({*ops_of(page)}) == 20, PATIENCE_SECS)
            changes = [frame for frame in page.frames if "entry" in frame]
            assert {frame["entry"]["description"] for frame in changes} == {user.username}
            assert {op.split(":")[0] for frame in changes for op in frame["ops"]} == {user.username}
            await page.close()


async def test_a_frozen_redis_costs_a_spend_little_and_pages_a_beacon(
    cluster: Cluster, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis, *servers = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    pages = await open_pages(alice, *servers)
    await spend(alice, "before")
    await all_right(alice, pages, PATIENCE_SECS)
    short_timeout(settings, monkeypatch)
    redis.freeze()
    assert await cost_of_finding_out(alice) < SPEND_SECS
    await all_right(alice, pages, BEACON_SECS + PATIENCE_SECS)
    # A page that is opened meanwhile is let in, and right.
    pages += await open_pages(alice, servers[0])
    await all_right(alice, pages, PATIENCE_SECS)
    redis.thaw()
    await heard_again(alice, pages)
    for page in pages:
        await page.close()


async def test_a_reply_in_this_process_needs_no_redis(cluster: Cluster) -> None:
    redis, server, _ = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    chat = await sync_to_async(make_chat)(alice)
    access = (await sync_to_async(issue)(alice))["access"]
    (page,) = await open_pages(alice, server)
    redis.freeze()
    request = urllib.request.Request(
        f"{server.url}/api/chats/{chat.pk}/generate",
        json.dumps({"content": "Hello"}).encode(),
        {
            "Authorization": f"Bearer {access}",
            "Content-Type": "application/json",
            "Prefer": "respond-async",
            "Idempotency-Key": "key-1",
        },
    )
    answer = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(request)))
    await page.until(
        lambda: {"reply.started", "reply.finished"} <= {frame["type"] for frame in page.frames},
        PATIENCE_SECS,
    )
    holds = [f for f in page.frames if f.get("entry", {}).get("kind") == "hold"]
    assert holds[0]["version"] == answer["balance"]["version"]
    await all_right(alice, [page], BEACON_SECS + PATIENCE_SECS)
    await page.close()


def make_chat(user: User) -> Chat:
    character: Character = make_character()
    assert CharacterText.objects.filter(character=character).exists()
    return Chat.objects.create(user=user, character=character, given_title="Mira")


async def test_a_redis_that_dies_and_comes_back_is_heard_again(
    cluster: Cluster, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis, *servers = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    pages = await open_pages(alice, *servers)
    short_timeout(settings, monkeypatch)
    redis.kill()
    assert await cost_of_finding_out(alice) < SPEND_SECS
    await all_right(alice, pages, BEACON_SECS + PATIENCE_SECS)
    await asyncio.to_thread(redis.start)
    await subscribed(redis, publish.user_group(alice.pk), len(servers))
    await heard_again(alice, pages)
    for page in pages:
        await page.until(lambda page=page: "resync" in kinds_of(page), PATIENCE_SECS)
        await page.close()


@pytest.mark.parametrize("by", ["the next event", "the next beacon"])
async def test_what_one_process_could_not_send_is_looked_up_by_all_pages(
    cluster: Cluster, by: str
) -> None:
    redis, *servers = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    pages = await open_pages(alice, *servers)
    await subscribed(redis, publish.user_group(alice.pk), len(servers))
    redis_breaker.failed()  # this process leaves Redis alone for a second; its servers do not
    await spend(alice, "unsent")
    while not redis_breaker.allows():  # noqa: ASYNC110  it has no bell
        await asyncio.sleep(0.05)
    if by == "the next event":
        await spend(alice, "sent")
    else:
        await sync_to_async(get_channel_layer().report_lost)()
    for page in pages:
        await page.until(lambda page=page: "resync" in kinds_of(page), PATIENCE_SECS)
        assert "alice:unsent" not in ops_of(page)
    await all_right(alice, pages, PATIENCE_SECS)
    for page in pages:
        await page.close()


async def test_a_flushed_redis_changes_nothing(cluster: Cluster) -> None:
    redis, *servers = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    pages = await open_pages(alice, *servers)
    await subscribed(redis, publish.user_group(alice.pk), len(servers))
    redis.client().flushall()
    await spend(alice, "one")
    for page in pages:
        await page.until(lambda page=page: "alice:one" in ops_of(page), PATIENCE_SECS)
        await page.close()


async def test_a_server_that_dies_takes_only_its_own_sockets(cluster: Cluster) -> None:
    _, one, two = cluster
    alice = await sync_to_async(make_user)("alice", tokens=50)
    lost, kept = await open_pages(alice, one, two)
    await asyncio.to_thread(one.kill)
    await lost.until(lambda: lost.code, PATIENCE_SECS)
    assert lost.code == 1006
    await spend(alice, "one")
    await all_right(alice, [kept], PATIENCE_SECS)
    (again,) = await open_pages(alice, two)
    assert again.frames[0]["version"] == await version_of(alice)
    for page in (kept, again):
        await page.close()


async def test_a_server_that_is_stopped_says_bye(cluster: Cluster) -> None:
    _, one, _ = cluster
    alice = await sync_to_async(make_user)("alice")
    pages = await open_pages(alice, *[one] * 10)
    assert await asyncio.to_thread(one.stop) == 0
    delays = []
    for page in pages:
        await page.until(lambda page=page: page.code, PATIENCE_SECS)
        assert page.code == 1012, page.frames
        assert page.frames[-1]["type"] == "bye"
        delays.append(page.frames[-1]["retry_ms"])
    assert len({*delays}) > 5, "each client has a delay of its own"
    assert all(500 <= delay <= 20_500 for delay in delays)


async def test_credentials_end_sockets_in_every_process(cluster: Cluster) -> None:
    redis, *servers = cluster
    alice = await sync_to_async(make_user)("alice")
    bob = await sync_to_async(make_user)("bob")
    for lost in (False, True):
        key = await sync_to_async(signed_in)(alice)
        leaving = [await open_page(server, key) for server in servers]
        others = await open_pages(alice, *servers)
        strangers = await open_pages(bob, *servers)
        await subscribed(redis, publish.user_group(alice.pk), len(servers))
        if lost:
            redis.kill()
            await Session.objects.filter(pk=key).adelete()
        await sync_to_async(publish.close_on_commit)(alice.pk, code=4401, session_key=key)
        for page in leaving:  # by the message alone, or by a beacon that finds no session
            await page.until(lambda page=page: page.code, BEACON_SECS + PATIENCE_SECS)
            assert page.code == 4401
        await Session.objects.filter(pk=key).adelete()
        assert (await open_page(servers[0], key)).code == 4401, "it came back"
        await User.objects.filter(pk=alice.pk).aupdate(suspended_at=None)
        await sync_to_async(suspend)(user=alice)
        for page in others:
            await page.until(lambda page=page: page.code, BEACON_SECS + PATIENCE_SECS)
            assert page.code == 4403
        assert [page.code for page in strangers] == [None, None]
        await User.objects.filter(pk=alice.pk).aupdate(suspended_at=None)
        alice = await User.objects.aget(pk=alice.pk)
        for page in strangers:
            await page.close()


async def test_credentials_that_run_out_end_their_sockets(cluster: Cluster) -> None:
    """By the clock alone: a token within 2 s, a session within a beacon."""
    _, *servers = cluster
    alice = await sync_to_async(make_user)("alice")
    key = await sync_to_async(signed_in)(alice)
    session = await open_page(servers[0], key)
    lasting = (await sync_to_async(issue)(alice))["access"]
    kept = await open_page(servers[0], access=lasting)
    access = AccessToken(lasting)  # type: ignore[arg-type]
    for secs in LIVES_SECS:
        access.set_exp(from_time=timezone.now(), lifetime=timedelta(seconds=secs))
        short = str(access)
        pages = [await open_page(server, access=short) for server in servers]
        if all(page.frames for page in pages):
            break
    await Session.objects.filter(pk=key).aupdate(expire_date=timezone.now() + timedelta(seconds=1))
    for page in pages:
        await page.until(lambda page=page: page.code, LIVES_SECS[-1] + PATIENCE_SECS)
        assert page.code == 4401
        assert page.frames[0]["type"] == "balance.snapshot"
    assert access["exp"] <= time.time() + 1, "before its time; a second is the clocks'"
    assert (await open_page(servers[1], access=short)).code == 4401, "it came back"
    await session.until(lambda: session.code, BEACON_SECS + PATIENCE_SECS)
    assert session.code == 4401
    assert kept.code is None
    await kept.close()


async def test_a_thousand_come_back_at_once(cluster: Cluster) -> None:
    _, server, _ = cluster
    people = [await sync_to_async(make_user)(f"user{number}") for number in range(50)]
    keys = [await sync_to_async(signed_in)(user) for user in people]
    wave = [key for key in keys for _ in range(20)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192)), hard))
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    took: list[float] = []

    async def come_back(key: str) -> Page:
        began = time.monotonic()
        page = await open_page(server, key, secs=300)
        took.append(time.monotonic() - began)
        return page

    pages = await asyncio.gather(*(come_back(key) for key in wave))
    assert [page.code for page in pages] == [None] * 1_000
    assert {page.frames[0]["type"] for page in pages} == {"balance.snapshot"}
    print(f"1,000 sockets were back; p99 {sorted(took)[990]:.1f} s")
    for page in pages:
        page.socket.transport.abort()


async def test_a_client_that_reads_nothing_costs_little_and_is_cut_off(cluster: Cluster) -> None:
    redis, server, _ = cluster
    alice = await sync_to_async(make_user)("alice")
    key = await sync_to_async(signed_in)(alice)
    stalled = await asyncio.to_thread(open_and_read_nothing, server, key)
    (reader,) = await open_pages(alice, server)
    before = resident_kb(server)
    await subscribed(redis, publish.user_group(alice.pk), 1)
    payload = {"type": "chat.updated", "title": "x" * 60_000, "chat_id": "1"}
    for number in range(500):  # 30 MB
        await sync_to_async(publish.publish_on_commit)(alice.pk, {**payload, "number": number})
        await asyncio.sleep(0.002)
    assert resident_kb(server) - before < 15_000
    await reader.until(
        lambda: reader.code or any(frame.get("number") == 499 for frame in reader.frames),
        PATIENCE_SECS,
    )
    assert reader.code is None, "it reads, and was closed"
    end = select.poll()  # to read would be to stall no longer
    end.register(stalled, select.POLLRDHUP)
    assert await asyncio.to_thread(end.poll, PATIENCE_SECS * 1_000), "it was left open"
    stalled.close()
    await reader.close()


def open_and_read_nothing(server: Server, key: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", server.port))
    cookie = f"{django_settings.SESSION_COOKIE_NAME}={key}"
    client.sendall(
        f"GET /ws/balance/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.url}\r\n"
        f"Cookie: {cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert client.recv(1_000).startswith(b"HTTP/1.1 101")
    return client


def resident_kb(server: Server) -> int:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
