"""Who asks for the balance at the same moment shares the queries."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue
from intellispark.realtime.dataloader import DataLoader
from payments.api import tokens
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/payment/user/tokens"
ASKING = 20


class Watched(DataLoader[UUID, dict[str, Any]]):
    """Its first pass waits until all have asked."""

    def __init__(self) -> None:
        super().__init__(self._work_when_all_have_asked)
        self.asked: list[UUID] = []
        self.passes: list[int] = []
        self.all_have_asked = threading.Event()

    async def __call__(self, key: UUID) -> dict[str, Any]:
        self.asked.append(key)
        if len(self.asked) == ASKING:
            self.all_have_asked.set()
        return await super().__call__(key)

    def _work_when_all_have_asked(self, keys: list[UUID]) -> dict[UUID, dict[str, Any]]:
        self.passes.append(len(keys))
        assert self.all_have_asked.wait(60)
        return tokens._wallets(keys)


async def test_twenty_people_take_two_passes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await sync_to_async(make_user)(tokens=number) for number in range(ASKING)]
    watched = Watched()
    monkeypatch.setattr(tokens, "wallets", watched)
    found = await asyncio.gather(*(_ask(user) for user in people))
    assert [body["available"] for body in found] == [*range(ASKING)]
    assert [body["user_id"] for body in found] == [str(user.pk) for user in people]
    assert len(watched.passes) <= 2  # who came before the first began, and all others
    assert sum(watched.passes) == ASKING


async def _ask(user: User) -> dict[str, Any]:
    access = (await sync_to_async(issue)(user))["access"]
    answer = await AsyncClient().get(URL, headers={"Authorization": f"Bearer {access}"})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body
