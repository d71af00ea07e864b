"""A circuit breaker: after a failure, the thing behind it is left alone for a moment."""

from __future__ import annotations

import time


class Breaker:
    """Says whether a dependency may be asked now.

    One slow or dead Redis must cost a process one timeout per `rest_secs`, not one per request.
    Threads may race here: at worst two of them try the dependency at the same moment.
    """

    def __init__(self, *, rest_secs: float = 1.0) -> None:
        self._rest_secs = rest_secs
        self._allows_from = 0.0
        self._failing = False

    def allows(self) -> bool:
        return time.monotonic() >= self._allows_from

    def failed(self) -> bool:
        """Leave it alone for a while. True when this is the first failure of an outage."""
        self._allows_from = time.monotonic() + self._rest_secs
        first, self._failing = not self._failing, True
        return first

    def passed(self) -> None:
        self._failing = False


redis_breaker = Breaker()
"""One for all uses of Redis in this process: rate limits and publishing."""
