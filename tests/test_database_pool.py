"""The pool of database connections: what is dead is replaced unseen, and nobody waits for ever."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from psycopg_pool import PoolTimeout, TooManyRequests

from intellispark.api.errors import Unavailable, as_domain_error
from intellispark.postgresql.base import DatabaseWrapper
from intellispark.threads import NAMES

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


class Pooled:
    """Connections of a pool of its own, as threads of a server have them."""

    def __init__(self, **pool: Any) -> None:
        self.settings = copy.deepcopy(connection.settings_dict)
        self.settings["OPTIONS"]["pool"] = {"min_size": 1, **pool}
        self.opened: list[DatabaseWrapper] = []

    def open(self) -> DatabaseWrapper:
        self.opened.append(DatabaseWrapper(self.settings, alias="pooled"))
        self.opened[-1].inc_thread_sharing()
        self.opened[-1].ensure_connection()
        return self.opened[-1]

    def backend(self) -> int:
        """Of a connection that is taken for one question."""
        line = self.open()
        with line.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        line.close()
        return int(pid)


@pytest.fixture
def pooled() -> Iterator[type[Pooled]]:
    yield Pooled
    for alias in ("pooled", "pooled:threads"):
        pool = DatabaseWrapper._connection_pools.pop(alias, None)
        if pool is not None:
            pool.close()


def test_connections_that_died_while_idle_are_replaced_unseen(pooled: type[Pooled]) -> None:
    mine = pooled(max_size=8, timeout=60)
    lines = [mine.open() for _ in range(8)]
    pids = {line.connection.info.backend_pid for line in lines}
    for line in lines:
        line.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 60000) FROM unnest(%s) pid", [list(pids)])
        assert cursor.fetchall() == [(True,)] * 8
    pool = lines[0].pool
    before = pool.get_stats()
    assert mine.backend() not in pids
    assert pool.get_stats()["requests_num"] - before["requests_num"] <= 3, "not one by one"
    assert all(mine.backend() not in pids for _ in range(8))


@pytest.mark.parametrize(
    ("bounds", "cause"),
    [
        ({"timeout": 0.2}, PoolTimeout),
        ({"timeout": 60, "max_waiting": 1}, TooManyRequests),
    ],
)
def test_who_finds_all_connections_taken_is_told_to_come_again(
    pooled: type[Pooled], bounds: dict[str, float], cause: type[Exception]
) -> None:
    mine = pooled(max_size=1, **bounds)
    taken = mine.open()
    if "max_waiting" in bounds:
        taken.pool._waiting.append(object())  # somebody who waits already
    try:
        with pytest.raises(OperationalError) as refused:
            mine.open()
    finally:
        taken.pool._waiting.clear()
        taken.close()
    assert isinstance(refused.value.__cause__, cause)
    assert isinstance(as_domain_error(refused.value), Unavailable)


def test_pages_that_wait_take_no_connection_from_our_threads(pooled: type[Pooled]) -> None:
    mine = pooled(max_size=1, timeout=0.2)
    taken = mine.open()
    with ThreadPoolExecutor(1, NAMES[0]) as ours:
        assert ours.submit(mine.backend).result() != taken.connection.info.backend_pid
    with pytest.raises(OperationalError):
        mine.open()
    taken.close()
