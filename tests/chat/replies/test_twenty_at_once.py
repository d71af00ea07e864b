"""Twenty requests at once, in twenty chats, on three tokens."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from chat.conversations.chats import create_chat
from chat.models import Character, Generation, Message
from intellispark.accounts.models import User
from payments.audit.verify import differences
from payments.ledger.balance import snapshot
from tests.support.replies import Client
from tests.support.scripted import Script

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


async def test_three_are_answered_and_seventeen_refused(
    owner: User, character: Character, script: Script
) -> None:
    script.reset("Hello", 0.3, " there.")  # so that the first still run when the last one comes
    chats = [
        await sync_to_async(create_chat)(user=owner, character_id=character.pk) for _ in range(20)
    ]
    client = Client(owner)
    await client.bearer()
    answers = await asyncio.gather(
        *(client.generate(chat, key=f"k{n}") for n, chat in enumerate(chats))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [402] * 17
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 402]
    assert {error["code"] for error in refused} == {"insufficient_tokens"}
    assert len(script.calls) == 3
    balance = await sync_to_async(snapshot)(owner.pk)
    assert (balance["balance"], balance["held"], balance["available"]) == (0, 0, 0)
    assert await Generation.objects.acount() == 3
    assert await Message.objects.filter(role="user").acount() == 3
    assert await sync_to_async(lambda: list(differences()))() == []


async def test_two_at_the_last_token_give_one_reply_and_one_charge(
    owner: User, character: Character, script: Script
) -> None:
    chats = [
        await sync_to_async(create_chat)(user=owner, character_id=character.pk) for _ in range(6)
    ]
    client = Client(owner)
    for chat in chats[:2]:
        assert (await client.generate(chat)).status_code == 200
    answers = await asyncio.gather(*(client.generate(chat) for chat in chats[2:]))
    assert sorted(answer.status_code for answer in answers) == [200, 402, 402, 402]
    assert (await sync_to_async(snapshot)(owner.pk))["balance"] == 0
