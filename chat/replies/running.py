"""The replies that this process is writing. Everything else about a generation is in its row.

Import this module to start, find, stop or end runs; `docs/generations.md` tells the whole story.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from chat.replies.models import Generation
from chat.replies.run import Run

WAIT_SECS = 10
GOODBYE_SECS = 5  # for open streams to send their last event when the process ends

_runs: dict[UUID, Run] = {}
_tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references only
_readers: set[object] = set()


def launch(generation: Generation) -> Run:
    """Begin to write the reply, on the running loop. It owes nothing to the caller's task."""
    run = Run(generation)
    _runs[run.id] = run
    # A context of its own: no request's language, log fields or locals live on in it.
    task = run.loop.create_task(run.work(), context=contextvars.Context())
    _tasks.add(task)
    task.add_done_callback(lambda task: _forget(run, task))
    return run


def _forget(run: Run, task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    _runs.pop(run.id, None)


def find(generation_id: UUID) -> Run | None:
    """The run, while this process writes it."""
    return _runs.get(generation_id)


def find_here(generation_id: UUID) -> Run | None:
    """The run, if it also lives on the running loop, so that its log can be awaited."""
    run = find(generation_id)
    return run if run and run.loop is asyncio.get_running_loop() else None


def text_so_far(generation_id: UUID) -> str | None:
    """The newest text, from any thread; None when another process has it."""
    run = find(generation_id)
    return run.log.text if run else None


def stop(generation_id: UUID) -> None:
    """Stop the run if it is here, from any thread. Its end follows on its own."""
    if run := find(generation_id):
        run.stop()


def stop_and_wait(generation_id: UUID) -> None:
    """Stop the run if it is here and wait for its end; never called on a loop."""
    run = find(generation_id)
    if run and run.loop.is_running():
        run.stop()
        run.over.wait(WAIT_SECS)


@contextmanager
def reader() -> Iterator[None]:
    """Around a stream that a client reads: `shutdown` lets it finish its last sentence."""
    token = object()
    _readers.add(token)
    try:
        yield
    finally:
        _readers.discard(token)


async def shutdown() -> None:
    """Interrupt what runs on this loop; return when it is settled and its readers know."""
    loop = asyncio.get_running_loop()
    while tasks := {task for task in _tasks if task.get_loop() is loop}:
        for run in list(_runs.values()):
            if run.loop is loop:
                run.interrupt()
        await asyncio.wait(tasks)
    ends_at = loop.time() + GOODBYE_SECS
    while _readers and loop.time() < ends_at:  # noqa: ASYNC110  once, as the process ends
        await asyncio.sleep(0.02)
