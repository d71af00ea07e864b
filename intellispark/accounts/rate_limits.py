"""How often one may ask: a sliding window per person and scope, counted in the shared cache.

The window is the sliding-window counter (this minute's count, plus last minute's weighed by how
much of it is still in the window): two numbers a key, and no double burst at the full minute.
"""

from __future__ import annotations

import asyncio
import math
import time
from asyncio import AbstractEventLoop
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from intellispark.accounts.tokens import bearer_of, owner_of
from intellispark.api.addresses import address_key
from intellispark.api.errors import NotSignedIn
from intellispark.realtime.transport.breaker import redis_breaker

logger = structlog.get_logger(__name__)

REDIS_TIMEOUT_SECS = 0.2
KEY_PREFIX = "intellispark:limits"
UNCOUNTED = {"healthz", "readyz", "metrics"}


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
ELSE = Scope("else", RateLimitItemPerMinute(600))

POSTS = {
    "account_login": SIGN_IN,
    "api-login": SIGN_IN,
    "account_signup": SIGN_UP,
    "api-register": SIGN_UP,
    "api-generate": GENERATE,
    "api-messages": MESSAGES,
}
"""By URL name. Pages and API count together, or one could be used to get round the other."""


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
    return (POSTS.get(name or "") if request.method == "POST" else None) or ELSE


def counted_as(request: HttpRequest, scope: Scope) -> str:
    """Whose request it is: the bearer's owner (by signature), the session's, or the address."""
    if not scope.by_address:
        raw = bearer_of(request)
        if raw is not None:
            try:
                return f"user:{owner_of(raw)}"
            except NotSignedIn:
                return f"address:{address_key(request)}"
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
    return f"address:{address_key(request)}"


class MemoryCounter:
    """Counts in this process: without Redis, and while Redis is away. By the same rule as there."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int, int]] = {}  # window number, count, count before
        self._swept_at = 0.0

    def hit(self, key: str, limit: RateLimitItem) -> int | None:
        """Count one. None, or the seconds to wait when there were too many; those don't count."""
        now, secs = time.time(), limit.get_expiry()
        window, into = divmod(now, secs)
        last, count, before = self._counts.get(key, (int(window), 0, 0))
        if last != window:
            before = count if last == window - 1 else 0
            count = 0
        if math.floor(before * (1 - into / secs)) + count + 1 > limit.amount:
            return _wait(secs, into, count, before, limit.amount)
        self._counts[key] = (int(window), count + 1, before)
        self._sweep(now)
        return None

    def clear(self) -> None:
        self._counts.clear()

    def _sweep(self, now: float) -> None:
        """Once a minute, forget keys that nobody has hit for two of the longest windows."""
        if now - self._swept_at < 60:
            return
        self._swept_at = now
        stale = [
            key
            for key, (window, *_) in self._counts.items()
            if window * _secs_of(key) < now - 2 * 3600
        ]
        for key in stale:
            del self._counts[key]


class Limiter:
    """Counts in Redis where there is one, and in memory otherwise."""

    def __init__(self) -> None:
        self.memory = MemoryCounter()
        self._redis: WeakKeyDictionary[AbstractEventLoop, SlidingWindowCounterRateLimiter] = (
            WeakKeyDictionary()
        )

    async def hit(self, scope: Scope, who: str) -> int | None:
        """Count one request. None, or the seconds to wait when it is one too many."""
        if settings.REDIS_URL and redis_breaker.allows():
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_SECS):
                    wait = await self._hit_redis(scope, who)
            except (TimeoutError, RedisError, OSError) as error:
                if redis_breaker.failed():
                    logger.warning("rate_limits.in_memory", error=repr(error))
            else:
                redis_breaker.passed()
                return wait
        return self.memory.hit(f"{scope.limit.get_expiry()}:{scope.name}:{who}", scope.limit)

    async def _hit_redis(self, scope: Scope, who: str) -> int | None:
        strategy = self._strategy()
        if await strategy.hit(scope.limit, scope.name, who):
            return None
        stats = await strategy.get_window_stats(scope.limit, scope.name, who)
        return max(1, math.ceil(stats.reset_time - time.time()))

    def _strategy(self) -> SlidingWindowCounterRateLimiter:
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


limiter = Limiter()


def _wait(secs: int, into: float, count: int, before: int, amount: int) -> int:
    """Seconds until one more fits, if nobody else comes; at least one."""
    if before and count < amount:
        until = secs * (1 - (amount - count) / before) - into
    else:
        until = secs - into
    return max(1, math.floor(until) + 1)  # a moment after, not at it


def _secs_of(key: str) -> int:
    return int(key.partition(":")[0])
