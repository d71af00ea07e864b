"""Whoever waits for a lock waits alone, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, transaction

from chat.conversations.chats import create_chat
from chat.models import Character, Chat, Generation
from chat.replies import start
from intellispark.accounts.models import User
from intellispark.api.errors import Unavailable, as_domain_error
from intellispark.threads import MOST_OF_ONE_PERSON, Turns
from payments.ledger import operations as ledger
from tests.support.factories import make_user
from tests.support.replies import Client
from tests.support.scripted import Script
from tests.support.server import database_url

PATIENCE_SECS = 60
postgresql = pytest.mark.postgresql  # SQLite has one lock for all


@asynccontextmanager
async def locked_wallet(user: User) -> AsyncIterator[None]:
    """As by a transaction that hangs."""
    async with await psycopg.AsyncConnection.connect(database_url()) as line:
        await line.execute("SELECT 1 FROM payments_wallet WHERE user_id = %s FOR UPDATE", [user.pk])
        yield
        await line.rollback()


async def waiting_for_locks() -> int:
    async with await psycopg.AsyncConnection.connect(database_url()) as line:
        found = await line.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = await found.fetchone() or (0,)
    return int(count)


@sync_to_async
def chats_of(user: User, character: Character, count: int) -> list[Chat]:
    return [create_chat(user=user, character_id=character.pk) for _ in range(count)]


@postgresql
@pytest.mark.django_db(transaction=True)
async def test_a_locked_wallet_delays_nobody_else(
    owner: User, character: Character, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "TURN_SECS", PATIENCE_SECS)
    bob = await sync_to_async(make_user)("bob", tokens=3)
    theirs, his = await chats_of(owner, character, 12), await chats_of(bob, character, 1)
    alice, bobs = Client(owner), Client(bob)
    await alice.bearer()
    await bobs.bearer()
    async with asyncio.timeout(PATIENCE_SECS), locked_wallet(owner):
        held_up = [asyncio.create_task(alice.generate(chat)) for chat in theirs]
        while await waiting_for_locks() < MOST_OF_ONE_PERSON:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (await bobs.get("/api/payment/user/tokens")).status_code == 200
        assert (await bobs.generate(his[0])).status_code == 200
        assert (await alice.get("/api/payment/user/tokens")).json()["available"] == 3
        assert await waiting_for_locks() == MOST_OF_ONE_PERSON
        assert not any(task.done() for task in held_up)
    answers = sorted(answer.status_code for answer in await asyncio.gather(*held_up))
    assert answers == [200] * 3 + [402] * 9
    assert await Generation.objects.filter(user=owner).acount() == 3


@postgresql
@pytest.mark.django_db(transaction=True)
async def test_a_start_whose_turn_does_not_come_is_503(
    owner: User, character: Character, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "TURN_SECS", 0.1)
    theirs = await chats_of(owner, character, MOST_OF_ONE_PERSON + 1)
    alice = Client(owner)
    await alice.bearer()
    async with asyncio.timeout(PATIENCE_SECS), locked_wallet(owner):
        held_up = [asyncio.create_task(alice.generate(chat)) for chat in theirs]
        (refused, *_), _ = await asyncio.wait(held_up, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().status_code == 503
        assert refused.result().json()["error"]["code"] == "unavailable"
        assert refused.result()["Retry-After"]
    answers = sorted(answer.status_code for answer in await asyncio.gather(*held_up))
    assert answers == [200, 200, 200, 503]


@postgresql
@pytest.mark.django_db(transaction=True)
async def test_a_lock_that_does_not_come_is_an_outage(owner: User) -> None:
    def spend() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
            ledger.spend(wallet_id=owner.pk, tokens=1, key="k")

    async with locked_wallet(owner):
        with pytest.raises(OperationalError) as refused:
            await sync_to_async(spend)()
    assert isinstance(as_domain_error(refused.value), Unavailable)


async def test_turns_are_taken_by_so_many_and_forgotten() -> None:
    turns = Turns(most=2)
    inside, most_inside = 0, 0

    async def work(key: str) -> None:
        nonlocal inside, most_inside
        async with turns.of(key):
            inside, most_inside = inside + 1, max(most_inside, inside + 1)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work("alice") for _ in range(20)))
    assert most_inside == 2
    async with turns.of("alice"), turns.of("alice"):
        async with turns.of("bob", wait_secs=0.01):
            pass
        with pytest.raises(TimeoutError):
            async with turns.of("alice", wait_secs=0.01):
                pass
    assert (turns._turns, turns._callers) == ({}, {})
