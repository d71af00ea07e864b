"""Processes that do one thing over and over, for as long as they are told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.bench.databases import ROOT


class Workers:
    """Processes of `python -m tests.bench.worker <operation>`, started once, asked often."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes

    def __call__(self, secs: int) -> float:
        """Operations a second of all of them together, over `secs`."""
        for process in self.processes:
            _stdin(process).write(f"{secs}\n")
            _stdin(process).flush()
        return sum(float(self.answer(process)) for process in self.processes)

    def answer(self, process: subprocess.Popen[str]) -> str:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"A worker died: {process.args}")
        return line


@contextmanager
def workers(
    operation: str,
    env: Mapping[str, str],
    *,
    count: int = 1,
    wallets: int = 1_000,
    python: str = sys.executable,
    module: str = "tests.bench.worker",
) -> Iterator[Workers]:
    command = [python, "-m", module, json.dumps({"operation": operation, "wallets": wallets})]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    env={**env},
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    # As PostgreSQL's backends have: Linux shares its cores among sessions.
                    start_new_session=True,
                )
            )
            for _ in range(count)
        ]
        running = Workers(processes)
        for process in processes:
            running.answer(process)  # it says when it is ready
        yield running
        for process in processes:
            _stdin(process).close()


def _stdin(process: subprocess.Popen[str]):
    assert process.stdin is not None
    return process.stdin
