"""The contract of a channel layer, which the stock layers keep as well as ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from intellispark.realtime.transport.layer import DirectChannelLayer
from tests.support.redis import wait_for_redis

MESSAGE = {"type": "frame.send", "text": "…", "number": 7, "list": [1, None, True]}

Make = Callable[[], Any]
PREFIX = f"test-{uuid4().hex}"  # other workers run the same tests on the same Redis
KINDS: dict[str, Make] = {"in memory": InMemoryChannelLayer, "ours": DirectChannelLayer}
if settings.REDIS_URL:
    KINDS["pub/sub"] = lambda: RedisPubSubChannelLayer(hosts=[settings.REDIS_URL], prefix=PREFIX)
    KINDS["ours on Redis"] = lambda: DirectChannelLayer(hosts=[settings.REDIS_URL], prefix=PREFIX)
    KINDS["ours, encrypted JSON"] = lambda: DirectChannelLayer(
        hosts=[settings.REDIS_URL],
        prefix=PREFIX,
        serializer_format="json",
        symmetric_encryption_keys=["not a secret"],
    )
REDIS_KINDS = [name for name in KINDS if name not in ("in memory", "ours")]


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[str], Any]]:
    wait_for_redis(monkeypatch)
    made = []

    def make(kind: str) -> Any:
        made.append(KINDS[kind]())
        return made[-1]

    yield make
    for layer in made:
        await layer.flush()


async def received(layer: Any, channel: str) -> Any:
    return await asyncio.wait_for(layer.receive(channel), 60)


async def nothing(layer: Any, channel: str) -> bool:
    try:
        await asyncio.wait_for(layer.receive(channel), 0.2)
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
async def test_a_channel_receives_what_it_is_sent_in_order(make: Any, kind: str) -> None:
    layer = make(kind)
    channel = await layer.new_channel()
    first = asyncio.create_task(received(layer, channel))
    await asyncio.sleep(0.1)
    for number in range(3):
        await layer.send(channel, {**MESSAGE, "number": number})
    assert (await first) == {**MESSAGE, "number": 0}
    assert [(await received(layer, channel))["number"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("kind", KINDS)
async def test_channels_have_names_of_their_own(make: Any, kind: str) -> None:
    layer = make(kind)
    assert len({await layer.new_channel() for _ in range(100)}) == 100


@pytest.mark.parametrize("kind", KINDS)
async def test_a_group_reaches_its_members_and_nobody_else(make: Any, kind: str) -> None:
    layer = make(kind)
    one, two, other = [await layer.new_channel() for _ in range(3)]
    await layer.group_add("user.1", one)
    await layer.group_add("user.1", two)
    await layer.group_add("user.1", two)  # again is no error, and no second copy
    await layer.group_add("user.2", other)
    await layer.group_send("user.1", MESSAGE)
    assert await received(layer, one) == MESSAGE
    assert await received(layer, two) == MESSAGE
    assert await nothing(layer, two)
    assert await nothing(layer, other)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_left_a_group_hears_nothing_more(make: Any, kind: str) -> None:
    layer = make(kind)
    stays, leaves = [await layer.new_channel() for _ in range(2)]
    for channel in (stays, leaves):
        await layer.group_add("g", channel)
    await layer.group_discard("g", leaves)
    await layer.group_discard("g", leaves)
    await layer.group_discard("unknown", leaves)
    await layer.group_send("g", MESSAGE)
    assert await received(layer, stays) == MESSAGE
    assert await nothing(layer, leaves)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_group_may_be_sent_to(make: Any, kind: str) -> None:
    await make(kind).group_send("nobody", MESSAGE)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_flushed_layer_is_as_new(make: Any, kind: str) -> None:
    layer = make(kind)
    await layer.group_add("g", await layer.new_channel())
    await layer.flush()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await layer.group_send("g", MESSAGE)
    assert await received(layer, channel) == MESSAGE


@pytest.mark.parametrize("kind", ["in memory", "ours"])
async def test_a_full_channel_says_so_and_a_group_goes_on_without_it(make: Any, kind: str) -> None:
    layer = make(kind)
    full, other = [await layer.new_channel() for _ in range(2)]
    for channel in (full, other):
        await layer.group_add("g", channel)
    for _ in range(100):
        await layer.send(full, MESSAGE)
    with pytest.raises(ChannelFull):
        await layer.send(full, MESSAGE)
    await layer.group_send("g", MESSAGE)
    assert await received(layer, other) == MESSAGE


@pytest.mark.parametrize("kind", ["in memory", "ours"])
async def test_names_are_checked(make: Any, kind: str) -> None:
    layer = make(kind)
    with pytest.raises(TypeError):
        await layer.group_add("no blanks", await layer.new_channel())
    with pytest.raises(TypeError):
        await layer.send("x" * 200, MESSAGE)


@pytest.mark.redis
@pytest.mark.parametrize("kind", REDIS_KINDS)
async def test_a_message_reaches_another_process(make: Any, kind: str) -> None:
    here, there = make(kind), make(kind)
    mine, theirs = await here.new_channel(), await there.new_channel()
    await here.group_add("g", mine)
    await there.group_add("g", theirs)
    await here.group_send("g", MESSAGE)
    assert await received(there, theirs) == MESSAGE
    assert await received(here, mine) == MESSAGE
    assert await nothing(here, mine), "it came twice"
    waiting = asyncio.create_task(received(there, theirs))
    await here.send(theirs, MESSAGE)
    assert await waiting == MESSAGE


@pytest.mark.redis
@pytest.mark.parametrize("kind", [name for name in REDIS_KINDS if name.startswith("ours")])
async def test_a_thread_publishes_to_other_processes(make: Any, kind: str) -> None:
    here, there = make(kind), make(kind)
    mine, theirs = await here.new_channel(), await there.new_channel()
    await here.group_add("g", mine)
    await there.group_add("g", theirs)
    await asyncio.to_thread(here.publish, "g", MESSAGE)
    assert await received(there, theirs) == MESSAGE
    assert await nothing(here, mine), "it is delivered, not published, to its own"


async def test_a_thread_delivers_on_the_loop_that_has_the_channel() -> None:
    layer = DirectChannelLayer()
    heard: asyncio.Queue[int] = asyncio.Queue()
    channel = await layer.new_channel()
    layer.attach(channel, lambda message: heard.put_nowait(threading.get_ident()))
    await layer.group_add("g", channel)
    await asyncio.to_thread(layer.deliver, "g", MESSAGE)
    assert await asyncio.wait_for(heard.get(), 60) == threading.get_ident()


async def test_an_attached_handler_gets_messages_at_once() -> None:
    layer = DirectChannelLayer()
    heard: list[Any] = []
    channel = await layer.new_channel()
    layer.attach(channel, heard.append)
    await layer.group_add("g", channel)
    layer.deliver("g", MESSAGE)
    assert heard == [MESSAGE]
    layer.detach(channel)
    layer.deliver("g", MESSAGE)
    assert heard == [MESSAGE]
    assert await received(layer, channel) == MESSAGE
