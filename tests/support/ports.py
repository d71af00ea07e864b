"""Ports for the servers that tests start."""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path

_SHARE = 1_000  # ports for each worker of pytest-xdist
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST, _LAST = 1_024, 65_535  # that anybody may bind
_turn = count(os.getpid())


def free_port() -> int:
    """A port that nobody has, and that nobody is given before it is used.

    Not one of the kernel's own: those go to any connection that is opened meanwhile, also while a
    server is away for a moment and comes back. Each worker has a share of its own.
    """
    kernels = map(int, _RANGE.read_text().split()) if _RANGE.exists() else (32_768, 60_999)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = share(worker, *kernels)
    for _ in range(_SHARE):
        port = start + next(_turn) % _SHARE
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("No port is free.")


def share(worker: int, low: int, high: int) -> int:
    """The first port of that worker's share: below the kernel's range, or above where it is full.

    Raises OSError where there is no room on either side.
    """
    if (below := low - _SHARE * (worker + 1)) >= _FIRST:
        return below
    above = worker - max(0, (low - _FIRST) // _SHARE)  # so many have theirs below
    if (start := high + 1 + _SHARE * above) + _SHARE - 1 <= _LAST:
        return start
    raise OSError(f"No ports for worker {worker} beside ip_local_port_range ({low} to {high}).")
