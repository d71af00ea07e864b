"""In which language a reply is asked for: the person's own, else the request's, else the chat's."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from chat.models import CharacterText, Chat
from payments.models import LedgerEntry
from tests.support.replies import Client
from tests.support.scripted import Script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.5", "zh-hans"),
        ("en", "zh-CN", "en"),
        ("zh-hans", "en", "zh-hans"),
    ],
)
async def test_who_chooses_the_language_of_a_reply(
    chat: Chat, script: Script, own: str, asked: str, expected: str
) -> None:
    chat.user.language = own
    await sync_to_async(chat.user.save)()
    headers = {"accept-language": asked} if asked else {}
    answer = await Client(chat.user).generate(chat, **headers)
    assert answer.status_code == 200, answer.content
    assert script.calls[0].language == expected
    wanted = {"en": "English", "zh-hans": "Simplified Chinese"}[expected]
    assert script.calls[0].system.endswith(f"Always answer in {wanted}.")


async def test_the_ledger_names_the_character_in_english(chat: Chat, script: Script) -> None:
    """Whatever the chat speaks: pages find the name in their own language by the English one."""
    await CharacterText.objects.acreate(character=chat.character, language="zh-hans", name="米拉")
    chat.language = "zh-hans"
    await chat.asave()
    answer = await Client(chat.user).generate(chat)
    assert answer.status_code == 200, answer.content
    entries = LedgerEntry.objects.filter(wallet_id=chat.user_id, kind__in=["hold", "capture"])
    descriptions = [entry.description async for entry in entries]
    assert descriptions == ["Reply from Mira"] * 2
