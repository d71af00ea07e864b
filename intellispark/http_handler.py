"""Django's HTTP handler, with threads that are used again.

Django gives each request a thread of its own for whatever is synchronous, and starts and joins it
even where nothing is: its signals' receivers go there too. That costs as much as a small answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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


class OneThread(ThreadPoolExecutor):
    """Runs one call after another; `last` is the newest of them."""

    last: Future[Any] | None = None

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="request")

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.last = super().submit(*args, **kwargs)
        return self.last


_idle: list[OneThread] = []


class HTTPHandler(ASGIHandler):
    """Runs what is synchronous in a request on one thread, which other requests had before."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with _thread() as executor:
            async with ThreadSensitiveContext(executor=executor):
                await self.handle(scope, receive, send)


@contextmanager
def _thread() -> Iterator[OneThread]:
    """A thread that nobody else uses meanwhile: the one that rested least. Where the client has
    left before its view has ended, the thread is lent again only after that."""
    executor = _idle.pop() if _idle else OneThread()
    try:
        yield executor
    finally:
        if executor.last is None or executor.last.done():
            _put_back(executor)
        else:
            executor.last.add_done_callback(lambda _: _put_back(executor))


def _put_back(executor: OneThread) -> None:
    if len(_idle) < KEPT:
        _idle.append(executor)
    else:
        executor.shutdown(wait=False)
