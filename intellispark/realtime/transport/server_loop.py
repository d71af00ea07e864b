"""The loop that this process serves on: where its sockets live, and its in-process layer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

_serving: asyncio.AbstractEventLoop | None = None


def attach(loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Take `loop` (default: the running one) as the one that serves."""
    global _serving
    _serving = loop or asyncio.get_running_loop()


def run_on_server(work: Callable[..., None], *args: Any) -> None:
    """Call `work` on the serving loop soon, from any thread; nothing where nothing is served."""
    if _serving is not None and not _serving.is_closed():
        _serving.call_soon_threadsafe(work, *args)
