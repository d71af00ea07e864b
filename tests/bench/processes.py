"""What processes of this machine cost."""

from __future__ import annotations

import time

import psycopg

_WHOLE_PROCESS = 2  # CPUCLOCK_SCHED in the kernel's posix-timers.h: all threads, in nanoseconds


def cpu_secs(pid: int) -> float:
    """User and system time of that process so far, of threads that have ended too.

    What `/proc/<pid>/stat` says, without its steps of ten milliseconds.
    """
    return time.clock_gettime((~pid << 3) | _WHOLE_PROCESS)


def backends_cpu_secs(url: str) -> float:
    """The same of PostgreSQL's processes for the clients of that database; 0 where it is remote."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
    return sum(map(_cpu_secs_if_here, (pid for (pid,) in rows)))


def _cpu_secs_if_here(pid: int) -> float:
    try:
        return cpu_secs(pid)
    except OSError:
        return 0
