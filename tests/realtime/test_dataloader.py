"""However many sockets come at once, the queries stay few."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from intellispark.accounts.models import User
from intellispark.accounts.sockets import Credential, identify
from intellispark.accounts.tokens import holder_of, issue
from intellispark.realtime.dataloader import DataLoader
from intellispark.realtime.hub import _known
from intellispark.realtime.identity import Identity
from payments.ledger import operations as ledger
from payments.ledger.balance import snapshot, snapshots
from tests.support.factories import make_user
from tests.support.pages import signed_in

pytestmark = pytest.mark.django_db  # a thread may still have the connection of another test


async def test_a_storm_of_questions_takes_few_passes() -> None:
    passes = []

    def work(keys: list[int]) -> dict[int, int]:
        passes.append(len(keys))
        return {key: key * 2 for key in keys}

    load = DataLoader(work)
    assert await asyncio.gather(*map(load, range(1_200))) == [n * 2 for n in range(1_200)]
    assert passes == [500, 500, 200]
    assert await load(7) == 14


def test_loops_that_ask_at_the_same_moment_do_not_disturb_each_other() -> None:
    """As servers of tests do, each in a thread of its own."""
    together = threading.Barrier(4)

    def work(keys: list[int]) -> dict[int, int]:
        together.wait(60)
        return {key: key * 2 for key in keys}

    load = DataLoader(work)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda number: asyncio.run(load(number)), range(4))
        assert list(found) == [0, 2, 4, 6]


async def test_a_failure_reaches_all_who_asked_and_nobody_after() -> None:
    broken = True

    def work(keys: list[int]) -> dict[int, int]:
        if broken:
            raise OSError
        return dict.fromkeys(keys, 1)

    load = DataLoader(work)
    found = await asyncio.gather(load(1), load(2), return_exceptions=True)
    assert [type(each) for each in found] == [OSError, OSError]
    broken = False
    assert await load(1) == 1


async def test_a_key_that_cannot_be_answered_fails_alone() -> None:
    passes = []

    def work(keys: list[int]) -> dict[int, int]:
        passes.append(len(keys))
        if 77 in keys:
            raise ValueError("no key at all")
        return {key: key * 2 for key in keys if key != 78}

    load = DataLoader(work)
    found = await asyncio.gather(*map(load, range(100)), return_exceptions=True)
    kinds = {number: type(each) for number, each in enumerate(found) if not isinstance(each, int)}
    assert kinds == {77: ValueError, 78: KeyError}
    assert found[:77] == [key * 2 for key in range(77)]
    assert len(passes) <= 15  # halves, not one by one


async def test_an_outage_is_not_asked_about_again() -> None:
    passes = []

    def work(keys: list[int]) -> dict[int, int]:
        passes.append(len(keys))
        raise OperationalError("the connection is lost")

    load = DataLoader(work)
    found = await asyncio.gather(*map(load, range(100)), return_exceptions=True)
    assert {type(each) for each in found} == {OperationalError}
    assert passes == [100]


async def test_a_thread_that_fails_lets_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(keys: list[int]) -> dict[int, int]:
        raise OperationalError("closing the connection failed")

    load: DataLoader[int, int] = DataLoader(lambda keys: dict.fromkeys(keys, 1))
    monkeypatch.setattr(load, "_answers", fails)
    found = await asyncio.gather(load(1), load(2), return_exceptions=True)
    assert [type(each) for each in found] == [OperationalError] * 2


async def test_a_beacon_reaches_all_but_the_one_that_cannot_be_asked_for() -> None:
    people = [uuid4() for _ in range(5)]

    def ask(keys: Collection[UUID]) -> dict[UUID, str]:
        if people[2] in keys:
            raise ValueError("a wallet that cannot be read")
        return dict.fromkeys(keys, "a frame")

    assert await _known(ask, people) == dict.fromkeys([*people[:2], *people[3:]], "a frame")


def test_letting_in_a_hundred_takes_three_queries(django_assert_num_queries: Any) -> None:
    people = [make_user() for _ in range(10)]
    shown = [Credential(session_key=signed_in(user)) for user in people]
    families = [_family(user) for user in people]
    with django_assert_num_queries(3):
        found = identify([*shown, *families, Credential(session_key="none")])
    assert [found[each] for each in shown] == [
        Identity(user.pk, session_key=each.session_key)
        for user, each in zip(people, shown, strict=True)
    ]
    assert [found[each] for each in families] == [
        Identity(user.pk, family=each.family, expires=each.expires)
        for user, each in zip(people, families, strict=True)
    ]
    assert found[Credential(session_key="none")] == 4401


def _family(user: User) -> Credential:
    user_id, family, ends = holder_of(issue(user)["access"])
    return Credential(family=str(family), user_id=user_id, expires=ends)


def test_a_family_serves_its_owner_only() -> None:
    alice = make_user("alice")
    bob = make_user("bob")
    mine = _family(alice)
    forged = Credential(family=mine.family, user_id=str(bob.pk))
    assert identify([forged])[forged] == 4401


def test_many_snapshots_are_two_queries_and_as_each_alone(django_assert_num_queries: Any) -> None:
    people = [make_user(tokens=100) for _ in range(5)]
    for number, user in enumerate(people):
        for turn in range(10 + 6 * number):
            op = f"{turn}" if turn % 2 else ""
            ledger.spend(wallet_id=user.pk, tokens=1, key=f"k{turn}", op=op)
    with django_assert_num_queries(2):
        found = snapshots([user.pk for user in people])
    for user in people:
        assert found[user.pk] == snapshot(user.pk)
    assert found[people[4].pk]["ops"] == [str(turn) for turn in range(33, 13, -2)]
