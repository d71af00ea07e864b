"""What CHANNEL_HOSTS may say, and what it means."""

from __future__ import annotations

import pytest
from channels_redis.utils import create_pool

from intellispark.realtime.transport.hosts import bounded, label, parse_hosts, thread_pool

SENTINEL = (
    "redis+sentinel://me:s%40fe@one:26379,two,[::1]:3/main/2?sentinel_password=x&client_name=a"
)
SENTINEL_HOST = {
    "sentinels": [("one", 26379), ("two", 26379), ("::1", 3)],
    "master_name": "main",
    "sentinel_kwargs": {"password": "x"},
    "username": "me",
    "password": "s@fe",
    "db": 2,
    "client_name": "a",
}


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", []),
        ("redis://one:6379/0", [{"address": "redis://one:6379/0"}]),
        (
            "redis://one:6379/0, rediss://:pass@two?db=1,unix:///run/redis",
            [
                {"address": "redis://one:6379/0"},
                {"address": "rediss://:pass@two?db=1"},
                {"address": "unix:///run/redis"},
            ],
        ),
        (SENTINEL, [SENTINEL_HOST]),
        (f"{SENTINEL},redis://three", [SENTINEL_HOST, {"address": "redis://three"}]),
        (
            "redis+sentinel://one/main",
            [{"sentinels": [("one", 26379)], "master_name": "main", "sentinel_kwargs": {}}],
        ),
    ],
)
def test_hosts_are_read(text: str, hosts: list[object]) -> None:
    assert parse_hosts(text) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "one:6379",
        "redis//one",
        "http://one",
        "redis://one:port",
        "redis://one:99999",
        "redis://one,two:6379",
        "redis://one,",
        "redis://one?socket_timeout=soon",
        "redis+sentinel://one:26379",
        "redis+sentinel://one:26379/main/first",
        "redis+sentinel://one:x/main",
        "redis+sentinel://one,,two/main",
        "redis+sentinel:///main",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="URL 1 of 1 is none of redis://"):
        parse_hosts(text)


def test_a_refusal_says_which_url_and_shows_no_password() -> None:
    with pytest.raises(ValueError, match="URL 2 of 2") as refused:
        parse_hosts("redis://one,redis://:secret@two:port")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["redis://me:secret@one:6379/0", SENTINEL])
def test_a_log_line_names_the_host_without_its_password(text: str) -> None:
    (host,) = parse_hosts(text)
    assert label(host) in ("one:6379", "main")


@pytest.mark.parametrize("make_pool", [create_pool, thread_pool])
def test_nothing_is_awaited_for_longer_than_said(make_pool: object) -> None:
    """Sentinels are asked in turn: together they have the time of one."""
    for text in ("redis://one", SENTINEL):
        (host,) = parse_hosts(text)
        pool = make_pool(bounded(host, connect_secs=1.5, answer_secs=0.3, retry=None))  # type: ignore[operator]
        connection = pool.make_connection()
        assert (connection.socket_connect_timeout, connection.socket_timeout) == (1.5, 0.3)
    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["socket_connect_timeout"], each["socket_timeout"]) for each in asked] == [
        (pytest.approx(0.5), pytest.approx(0.1))
    ] * 3
