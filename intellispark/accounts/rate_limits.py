"""How often one may ask: a sliding window per person and scope, counted in the shared cache.

The window is the sliding-window counter (this minute's count, plus last minute's weighed by how
much of it is still in the window): two numbers a key, and no double burst at the full minute.
"""

from __future__ import annotations

import asyncio
import math
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from intellispark.accounts.dead_families import dead_families
from intellispark.accounts.tokens import bearer_of, holder_of
from intellispark.api.addresses import address_key
from intellispark.api.errors import NotSignedIn
from intellispark.realtime.transport.breaker import redis_breaker

logger = structlog.get_logger(__name__)

REDIS_TIMEOUT_SECS = 0.2
ANSWER_BYTES = 100_000  # as much as one request pays for
KEY_PREFIX = "intellispark:limits"
UNCOUNTED = {"healthz", "metrics"}  # these ask nobody


@dataclass(frozen=True)
class Scope:
    """What is counted together. `by_address`: for each address, whoever is signed in."""

    name: str
    limit: RateLimitItem
    by_address: bool = False


GENERATE = Scope("generate", RateLimitItemPerMinute(60))
MESSAGES = Scope("messages", RateLimitItemPerMinute(120))
SIGN_IN = Scope("sign-in", RateLimitItemPerMinute(10), by_address=True)
SIGN_UP = Scope("sign-up", RateLimitItemPerHour(20), by_address=True)
START = Scope("start", RateLimitItemPerHour(20), by_address=True)
ELSE = Scope("else", RateLimitItemPerMinute(600))

POSTS = {
    "account_signup": SIGN_UP,
    "api-register": SIGN_UP,
    "api-generate": GENERATE,
    "start-chat": GENERATE,
    "api-messages": MESSAGES,
}
"""By URL name. Pages and API count together, or one could be used to get round the other."""

STRANGERS_POSTS = {"start-chat": START}
"""Where nobody is signed in: what was typed is kept until they are, and leads to a sign-up.

Checks of passwords (SIGN_IN) are counted where they are made: see `attempts.py`."""


def scope_of(request: HttpRequest) -> Scope | None:
    """Under which limit the request falls; None where nothing is counted."""
    path = request.path_info
    if path.startswith((settings.STATIC_URL, "/api/payment/webhooks/")):
        return None
    try:
        name = resolve(path).url_name
    except Resolver404:
        return ELSE
    if name in UNCOUNTED:
        return None
    if request.method != "POST" or name is None:
        return ELSE
    stranger = STRANGERS_POSTS.get(name) if not request.user.is_authenticated else None
    return stranger or POSTS.get(name, ELSE)


def counted_as(request: HttpRequest, scope: Scope) -> str:
    """Whose request it is: the bearer's owner (by signature), the session's, or the address.

    A token counts where the view verifies it: elsewhere it could be anybody's, dead or alive. One
    that was refused before counts as its address: see `dead_families.py`.
    """
    if not scope.by_address:
        raw = bearer_of(request)
        if raw is not None:
            who = _bearer_counts_as(raw) if _asks_who_it_is(request) else ""
            return who or f"address:{address_key(request)}"
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
    return f"address:{address_key(request)}"


def _asks_who_it_is(request: HttpRequest) -> bool:
    """Whether the view of the API authenticates: not so those for people who are not signed in."""
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    view_class = getattr(view, "cls", None)  # of Django REST framework; without one it asks itself
    return view_class is None or bool(view_class.authentication_classes)


def _bearer_counts_as(raw: str) -> str:
    try:
        user_id, family, _ = holder_of(raw)
    except NotSignedIn:
        return ""
    return "" if str(family) in dead_families else f"user:{user_id}"


class Limiter:
    """Counts in Redis where there is one; in this process without Redis, and while it is away."""

    def __init__(self) -> None:
        self.memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis: WeakKeyDictionary[AbstractEventLoop, SlidingWindowCounterRateLimiter] = (
            WeakKeyDictionary()
        )

    async def hit(self, scope: Scope, who: str) -> int | None:
        """Count one request. None, or the seconds to wait when that is too many, which does not
        count."""
        if settings.REDIS_URL and redis_breaker.allows():
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_SECS):
                    wait = await _hit(self._in_redis(), scope, who)
            except (TimeoutError, RedisError, OSError) as error:
                if redis_breaker.failed():
                    logger.warning("rate_limits.in_memory", error=repr(error))
            else:
                redis_breaker.passed()
                return wait
        return await _hit(self.memory, scope, who)

    async def weigh(self, response: HttpResponseBase, scope: Scope, who: str) -> None:
        """Count an answer by its size, a stream while it is sent: each full `ANSWER_BYTES` are one
        more request, for those that come after.

        One by one: a cost that is more than what is left would not count at all.
        """
        if isinstance(response, StreamingHttpResponse):
            if response.is_async:  # the others are read whole: nothing that we serve
                response.streaming_content = self._weighed(
                    cast(AsyncGenerator[bytes, None], response.streaming_content), scope, who
                )
        elif isinstance(response, HttpResponse):
            for _ in range(len(response.content) // ANSWER_BYTES):
                if await self.hit(scope, who) is not None:
                    break

    async def _weighed(
        self, parts: AsyncGenerator[bytes, None], scope: Scope, who: str
    ) -> AsyncGenerator[bytes, None]:
        size = 0
        async with aclosing(parts):
            async for part in parts:
                for _ in range((size + len(part)) // ANSWER_BYTES - size // ANSWER_BYTES):
                    await self.hit(scope, who)
                size += len(part)
                yield part

    async def clear(self, scope: Scope, who: str) -> None:
        """Count that one from nought again."""
        await self.memory.clear(scope.limit, scope.name, who)
        if settings.REDIS_URL and redis_breaker.allows():
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_SECS):
                    await self._in_redis().clear(scope.limit, scope.name, who)
            except (TimeoutError, RedisError, OSError) as error:
                if redis_breaker.failed():
                    logger.warning("rate_limits.in_memory", error=repr(error))
            else:
                redis_breaker.passed()

    def _in_redis(self) -> SlidingWindowCounterRateLimiter:
        """One connection pool for each event loop: asyncio connections cannot leave theirs."""
        loop = asyncio.get_running_loop()
        found = self._redis.get(loop)
        if found is None:
            uri = settings.REDIS_URL
            storage = RedisStorage(
                f"async+redis+{uri}" if uri.startswith("unix:") else f"async+{uri}",
                implementation="redispy",
                key_prefix=KEY_PREFIX,
                socket_connect_timeout=REDIS_TIMEOUT_SECS,
            )
            found = self._redis[loop] = SlidingWindowCounterRateLimiter(storage)
        return found


async def _hit(strategy: SlidingWindowCounterRateLimiter, scope: Scope, who: str) -> int | None:
    if await strategy.hit(scope.limit, scope.name, who):
        return None
    stats = await strategy.get_window_stats(scope.limit, scope.name, who)
    return math.floor(stats.reset_time - time.time()) + 1  # a moment after the reset, not at it


limiter = Limiter()
