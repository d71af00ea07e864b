"""Runs database work for code on the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(work: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """`work` as a coroutine function, run in a pool thread that closes its connection afterwards.

    Not thread-sensitive: asgiref has one such thread for all, and the sockets use it.
    """
    found: Callable[P, Awaitable[R]] = database_sync_to_async(work, thread_sensitive=False)
    return found
