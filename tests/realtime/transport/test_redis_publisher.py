"""The publishing connection: what it sends arrives, it heals, and it says what was lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from intellispark.realtime.transport import redis_publisher
from intellispark.realtime.transport.breaker import Breaker
from intellispark.realtime.transport.redis_publisher import RedisPublisher
from tests.support.redis import RedisServer, wait_for_redis

CHANNEL = f"tests.publisher.{uuid4().hex}"  # other workers run these tests on the same Redis
NOTICE = b"some were lost"
PATIENCE_SECS = 60


def publisher(url: str) -> RedisPublisher:
    notice = (CHANNEL, NOTICE)
    return RedisPublisher({"address": url}, breaker=Breaker(rest_secs=0), loss_notice=notice)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_redis(monkeypatch)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as started:
        yield started


@pytest.fixture
def listener() -> Iterator[redis.client.PubSub]:
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        assert pubsub.get_message(timeout=PATIENCE_SECS)
        yield pubsub


def heard(listener: redis.client.PubSub) -> bytes | None:
    message = listener.get_message(timeout=PATIENCE_SECS)
    return message["data"] if message else None


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.redis
@pytest.mark.usefixtures("patient")
def test_messages_arrive_in_order(listener: redis.client.PubSub) -> None:
    sender = publisher(settings.REDIS_URL)
    for number in range(50):
        sender.publish(CHANNEL, b"%d" % number)
    assert [heard(listener) for _ in range(50)] == [b"%d" % number for number in range(50)]


@pytest.mark.redis
@pytest.mark.usefixtures("patient")
def test_the_first_message_after_a_lost_connection_arrives(listener: redis.client.PubSub) -> None:
    name = f"publisher-{uuid4().hex}"
    sender = publisher(f"{settings.REDIS_URL}?client_name={name}")
    sender.publish(CHANNEL, b"before")
    assert heard(listener) == b"before"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        (ours,) = [one["id"] for one in client.client_list() if one["name"] == name]
        client.client_kill_filter(_id=ours)
    until(lambda: not sender._is_alive(time.monotonic()))  # the end has come through
    sender.publish(CHANNEL, b"after")
    assert heard(listener) == b"after"


@pytest.mark.redis
def test_a_redis_that_answers_is_asked_again_and_again_on_one_connection(
    monkeypatch: pytest.MonkeyPatch, listener: redis.client.PubSub
) -> None:
    wait_for_redis(monkeypatch)
    sender = publisher(settings.REDIS_URL)
    sender.publish(CHANNEL, b"first")
    connection = sender._connection._sock
    for _ in range(3):
        monkeypatch.setattr(redis_publisher, "ANSWER_SECS", 0)
        sender.publish(CHANNEL, b"asking")
        assert sender._asked_at is not None
        monkeypatch.setattr(redis_publisher, "ANSWER_SECS", PATIENCE_SECS)
        until(lambda: sender._is_alive(time.monotonic()) and sender._asked_at is None)
    sender.publish(CHANNEL, b"last")
    assert sender._connection._sock is connection
    assert [heard(listener) for _ in range(5)] == [b"first", *[b"asking"] * 3, b"last"]


def test_nobody_waits_long_for_a_redis_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sender = publisher(f"redis://127.0.0.1:{deaf.getsockname()[1]}")
        started = time.perf_counter()
        sender.publish(CHANNEL, b"x")
        assert time.perf_counter() - started < 10


def test_what_a_frozen_redis_swallowed_is_told_when_it_is_back(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer nobody would know: the kernel takes the messages, Redis or another in its
    place never gets them."""
    sender = publisher(server.url)
    until(lambda: sender.publish(CHANNEL, b"before") or not sender._lost)
    monkeypatch.setattr(redis_publisher, "ANSWER_SECS", 0.1)
    server.freeze()
    until(lambda: sender.publish(CHANNEL, b"swallowed") or sender._lost)
    server.kill()  # as if another had taken its place
    server.start()
    with server.client() as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        assert pubsub.get_message(timeout=PATIENCE_SECS)
        until(lambda: sender.report_lost() or not sender._lost)
        assert heard(pubsub) == NOTICE


def test_what_could_not_be_published_is_told_with_the_next_message(server: RedisServer) -> None:
    sender = publisher(server.url)
    server.kill()
    sender.publish(CHANNEL, b"lost")
    server.start()
    with server.client() as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        assert pubsub.get_message(timeout=PATIENCE_SECS)
        until(lambda: sender.publish(CHANNEL, b"next") or not sender._lost)
        assert [heard(pubsub), heard(pubsub)] == [b"next", NOTICE]
