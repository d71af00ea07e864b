"""The publishing connection: what it sends arrives, and it heals."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from intellispark.realtime.transport.redis_publisher import RedisPublisher

pytestmark = pytest.mark.redis
CHANNEL = f"tests.unanswered.{uuid4().hex}"  # other workers run these tests on the same Redis
PATIENCE_SECS = 60


@pytest.fixture
def listener() -> Iterator[redis.client.PubSub]:
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        assert pubsub.get_message(timeout=PATIENCE_SECS)
        yield pubsub


def heard(listener: redis.client.PubSub) -> bytes | None:
    message = listener.get_message(timeout=PATIENCE_SECS)
    return message["data"] if message else None


def test_messages_arrive_in_order(listener: redis.client.PubSub) -> None:
    sender = RedisPublisher(settings.REDIS_URL, timeout_secs=PATIENCE_SECS)
    for number in range(50):
        sender.send("PUBLISH", CHANNEL, str(number))
    assert [heard(listener) for _ in range(50)] == [str(n).encode() for n in range(50)]


def test_the_first_message_after_a_lost_connection_arrives(
    listener: redis.client.PubSub,
) -> None:
    name = f"unanswered-{uuid4().hex}"
    sender = RedisPublisher(f"{settings.REDIS_URL}?client_name={name}", timeout_secs=PATIENCE_SECS)
    sender.send("PUBLISH", CHANNEL, "before")
    assert heard(listener) == b"before"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        (ours,) = [one["id"] for one in client.client_list() if one["name"] == name]
        client.client_kill_filter(_id=ours)
    deadline = time.monotonic() + PATIENCE_SECS
    while sender._usable():  # until the end of the connection has come through
        assert time.monotonic() < deadline
        time.sleep(0.01)
    sender.send("PUBLISH", CHANNEL, "after")
    assert heard(listener) == b"after"


def test_nobody_waits_long_for_a_redis_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sender = RedisPublisher(f"redis://127.0.0.1:{deaf.getsockname()[1]}", timeout_secs=0.2)
        started = time.perf_counter()
        with pytest.raises(redis.RedisError):
            sender.send("PUBLISH", CHANNEL, "x")
        assert time.perf_counter() - started < 10
