"""The replies that this process is writing. All else about a generation is in its row.

This module starts, finds and stops runs; `docs/replies.md` describes the whole mechanism.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from chat.replies.models import Generation
from chat.replies.providers.base import ReplyRequest
from chat.replies.providers.registry import close_providers
from chat.replies.run import Run

READERS_SECS = 5  # for open streams to send their last event when the process ends

_runs: dict[UUID, Run] = {}
_tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references only
_readers: set[object] = set()


def launch(generation: Generation, request: ReplyRequest) -> Run:
    """Start to write the reply on the running loop, in a task that outlives the caller's."""
    run = Run(generation, request)
    _runs[run.id] = run
    # An empty context, so that the request's language and log fields do not stay with the run.
    task = run.loop.create_task(run.work(), context=contextvars.Context())
    _tasks.add(task)
    task.add_done_callback(lambda task: _forget(run, task))
    return run


def _forget(run: Run, task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    _runs.pop(run.id, None)


def find(generation_id: UUID) -> Run | None:
    """The run, while this process writes it; else None."""
    return _runs.get(generation_id)


def find_here(generation_id: UUID) -> Run | None:
    """The run, if it is on the running loop, so that its buffer can be awaited."""
    run = find(generation_id)
    return run if run and run.loop is asyncio.get_running_loop() else None


def text_so_far(generation_id: UUID) -> str | None:
    """The newest text, from any thread; None when this process does not write it."""
    run = find(generation_id)
    return run.buffer.text if run else None


def stop(generation_id: UUID) -> None:
    """Stop the run if this process writes it, from any thread. It then settles itself."""
    if run := find(generation_id):
        run.stop()


def interrupt(generation_id: UUID) -> None:
    """Interrupt the run if this process writes it, from any thread. It then settles itself."""
    if run := find(generation_id):
        run.interrupt()


def wait_for_end(generation_id: UUID, *, secs: float) -> None:
    """Wait that long for the end of the run, if this process writes it. Never call it on a loop."""
    run = find(generation_id)
    if run and run.loop.is_running():
        run.over.wait(secs)


@contextmanager
def reader() -> Iterator[None]:
    """Wraps a stream that a client reads: `shutdown` waits for its closing event."""
    token = object()
    _readers.add(token)
    try:
        yield
    finally:
        _readers.discard(token)


async def shutdown() -> None:
    """Interrupt all runs of this loop; return when they are settled and their readers know."""
    loop = asyncio.get_running_loop()
    while tasks := {task for task in _tasks if task.get_loop() is loop}:
        for run in list(_runs.values()):
            if run.loop is loop:
                run.interrupt()
        await asyncio.wait(tasks)
    await close_providers()
    ends_at = loop.time() + READERS_SECS
    while _readers and loop.time() < ends_at:  # noqa: ASYNC110  once, as the process ends
        await asyncio.sleep(0.02)
