"""Django's HTTP handler, with threads that are used again.

Django gives each request a thread of its own for whatever is synchronous, and starts and joins it
even where nothing is: its signals' receivers go there too. That costs as much as a small answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

KEPT = 40  # idle threads; as many requests at once start none

# A request's end has closed its thread's connection; the log of queries is bounded by itself.
request_started.disconnect(close_old_connections)
request_started.disconnect(reset_queries)

_idle: list[ThreadPoolExecutor] = []


class HTTPHandler(ASGIHandler):
    """Runs what is synchronous in a request on one thread, which other requests had before."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with _thread() as executor:
            async with ThreadSensitiveContext(executor=executor):
                await self.handle(scope, receive, send)


@contextmanager
def _thread() -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread that nobody else uses meanwhile. The one that rested least."""
    executor = _idle.pop() if _idle else ThreadPoolExecutor(1, thread_name_prefix="request")
    try:
        yield executor
    finally:
        if len(_idle) < KEPT:
            _idle.append(executor)
        else:
            executor.shutdown(wait=False)
