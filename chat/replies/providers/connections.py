"""HTTP connections to model servers: a pool for each event loop, kept alive between replies."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

CONNECT_SECS = 10
# How long a reply may take is the engine's to decide; here only a server that is not there.
TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT_SECS)

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientSession] = WeakKeyDictionary()


async def post(url: str, *, body: bytes, headers: dict[str, str]) -> ClientResponse:
    """The response, its body unread; the caller closes it. Raises aiohttp.ClientError.

    A redirect is an answer like others, and not followed: it could lead to a server inside of our
    network, with our key.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",  # a compressing proxy would hold text back
        "User-Agent": "IntelliSpark",
        **headers,
    }
    return await _session().post(
        url, data=body, headers=headers, proxy=_proxy_for(url), allow_redirects=False
    )


async def close() -> None:
    """Close the connections of the running loop."""
    session = _sessions.pop(asyncio.get_running_loop(), None)
    if session is not None:
        await session.close()


def _session() -> ClientSession:
    """That of the running loop, to which its connections belong."""
    loop = asyncio.get_running_loop()
    session = _sessions.get(loop)
    if session is None:
        session = _sessions[loop] = ClientSession(
            connector=TCPConnector(limit=0),  # how many replies may run is not decided here
            cookie_jar=DummyCookieJar(),  # of one reply nothing is told with the next
            timeout=TIMEOUT,
        )
    return session


@lru_cache(maxsize=64)
def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for that address (`HTTPS_PROXY`, `NO_PROXY`)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if proxy_bypass(host) else getproxies().get(parts.scheme)
