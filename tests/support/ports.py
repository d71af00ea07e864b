"""Ports for the servers that tests start."""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path

_SHARE = 1_000  # ports for each worker of pytest-xdist
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_turn = count(os.getpid())


def free_port() -> int:
    """A port that nobody has, and that nobody is given before it is used.

    Not one of the kernel's own: those go to any connection that is opened meanwhile, also while a
    server is away for a moment and comes back. Each worker has a share of its own.
    """
    first = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = max(first - _SHARE * (worker % 16 + 1), 1_024)
    for _ in range(_SHARE):
        port = start + next(_turn) % _SHARE
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("No port is free.")
