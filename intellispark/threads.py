"""Database work from the loop: in a thread of the pool, with its connection given back after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(work: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """`work` as a coroutine function. Not thread-sensitive: that one thread serves the sockets."""
    return database_sync_to_async(work, thread_sensitive=False)
