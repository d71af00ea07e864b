"""The Redis servers of the channel layer: what CHANNEL_HOSTS says, and how long we wait for them.

A host is a dict as channels-redis takes it: `{"address": url}`, or `{"sentinels": [(host, port)],
"master_name": name}`, each with options of redis-py's connections. Each host is one shard.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.connection import parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

Host = dict[str, Any]

SENTINEL_SCHEME = "redis+sentinel"
SENTINEL_PORT = 26_379
FORMS = (
    "redis://, rediss:// and unix:// URLs, or redis+sentinel://one:26379,two:26379/main/0, where "
    "`main` is the name by which the Sentinels know the server"
)


def parse_hosts(text: str) -> list[Host]:
    """The hosts of a list of URLs, separated by commas; none of an empty text.

    Of a `redis+sentinel://` URL, user and password are the server's; the Sentinels' own are its
    options `sentinel_username` and `sentinel_password`. All other options are redis-py's. Raises
    ValueError, which names the number of the URL and not its text: that may hold a password.
    """
    urls = re.split(r",\s*(?=[a-z+]+://)", text.strip()) if text.strip() else []
    hosts = []
    for number, url in enumerate(urls, start=1):
        try:
            hosts.append(_parse(url))
        except ValueError:
            raise ValueError(f"URL {number} of {len(urls)} is none of {FORMS}.") from None
    return hosts


def label(host: Host) -> str:
    """What a log line calls the host: no user, no password."""
    if "address" in host:
        parts = urlsplit(host["address"])
        return parts.netloc.rpartition("@")[2] or parts.path
    return str(host.get("master_name") or f"{host.get('host')}:{host.get('port')}")


def bounded(host: Host, *, connect_secs: float, answer_secs: float, retry: object) -> Host:
    """The same host, of which nothing is awaited for longer, and once only.

    Sentinels are asked in turn, so each of them has its share of the time.
    """

    def options(share: float) -> Host:
        return {
            "protocol": 2,
            "socket_connect_timeout": connect_secs * share,
            "socket_timeout": answer_secs * share,
            "retry": retry,
        }

    within = {**options(1), **host}
    if sentinels := host.get("sentinels"):
        of_each = options(1 / len(sentinels))
        within["sentinel_kwargs"] = {**of_each, **(host.get("sentinel_kwargs") or {})}
    return within


def thread_pool(host: Host) -> redis.ConnectionPool:
    """Connections for threads; channels-redis makes the same for event loops."""
    options = dict(host)
    if "address" in options:
        return redis.ConnectionPool.from_url(options.pop("address"), **options)
    if "sentinels" in options:
        sentinel = Sentinel(
            options.pop("sentinels"), sentinel_kwargs=options.pop("sentinel_kwargs", None)
        )
        return SentinelConnectionPool(options.pop("master_name"), sentinel, **options)
    return redis.ConnectionPool(**options)


def _parse(url: str) -> Host:
    if url.startswith(f"{SENTINEL_SCHEME}://"):
        return _parse_sentinel(url)
    if "," in urlsplit(url).netloc:
        raise ValueError("a second host without a scheme")
    parse_url(url)
    return {"address": url}


def _parse_sentinel(url: str) -> Host:
    parts = urlsplit(url)
    login, at, addresses = parts.netloc.rpartition("@")
    name, _, db = parts.path.strip("/").partition("/")
    if not name or (db and not db.isdecimal()):
        raise ValueError("no name of a server, or a database that is no number")
    options = parse_url(f"redis://{login}{at}/{db}?{parts.query}")  # what redis-py reads, it reads
    own = {
        option: options.pop(f"sentinel_{option}")
        for option in ("username", "password")
        if f"sentinel_{option}" in options
    }
    sentinels = [_address(address) for address in addresses.split(",")]
    return {"sentinels": sentinels, "master_name": name, "sentinel_kwargs": own, **options}


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a Sentinel without a host")
    return parts.hostname, parts.port or SENTINEL_PORT
