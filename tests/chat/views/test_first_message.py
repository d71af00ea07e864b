"""The first message is sent by "Start chat", and nothing typed is lost on the way."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.urls import reverse

from chat.errors import ProviderUnavailable
from chat.models import Character, Chat, Generation
from intellispark.accounts.models import User
from payments.models import LedgerEntry, Wallet
from tests.support.factories import PASSWORD, make_character, set_tokens
from tests.support.replies import a_request, facts, until
from tests.support.scripted import Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]

TYPED = "Is the pass open? <b>“Really”</b>\nSecond line."
NEW = {"username": "newcomer", "email": "new@example.com", "password1": "a-good-pass-phrase-9"}
SENT = ["Hello there.", TYPED, "Hello there."]  # the opening line, the message, the scripted reply


@pytest.fixture
def mira(db: None) -> Character:
    return make_character("Mira")


class Browser:
    """Somebody's browser, on the test's own loop: replies go on after an answer."""

    def __init__(self) -> None:
        self.http = AsyncClient()

    async def get(self, path: str) -> Any:
        async with a_request():
            return await self.http.get(path)

    async def post(self, path: str, data: dict[str, str]) -> Any:
        async with a_request():
            return await self.http.post(path, data)

    async def start(self, character: Character, message: str = TYPED, key: str = "") -> str:
        """Where "Start chat" leads."""
        path = reverse("start-chat", args=[character.pk])
        answer = await self.post(path, {"message": message, "key": key or str(uuid4())})
        assert answer.status_code == 302
        return str(answer["Location"])


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
async def alices(browser: Browser, alice: User) -> Browser:
    await browser.http.aforce_login(alice)
    return browser


async def said(chat: Chat) -> list[str]:
    """All that is said in the chat, once no reply is being written."""
    found = await until(lambda found: found.held == 0, chat)
    return [message.content for message in found.messages]


async def only_chat() -> Chat:
    return await Chat.objects.aget()


async def test_it_is_sent_and_its_tokens_are_held(
    alices: Browser, mira: Character, script: Script
) -> None:
    go_on = asyncio.Event()
    script.reset("Hello ", go_on, "there.")
    to = await alices.start(mira)
    chat = await only_chat()
    assert to == chat.get_absolute_url()
    found = await facts(chat)
    assert (found.balance, found.held) == (10, 1)
    page = await alices.get(to)
    assert f'data-generation="{found.generations[0].pk}"' in page.content.decode()
    assert "&lt;b&gt;“Really”" in page.content.decode()
    go_on.set()
    assert await said(chat) == SENT
    assert (await facts(chat)).balance == 9


async def test_it_is_sent_once_however_often_the_form_comes(
    alices: Browser, mira: Character
) -> None:
    key = str(uuid4())
    both = await asyncio.gather(*[alices.start(mira, key=key) for _ in range(2)])
    again = await alices.start(mira, key=key)
    chat = await only_chat()
    assert {*both, again} == {chat.get_absolute_url()}
    assert await said(chat) == SENT
    assert await LedgerEntry.objects.filter(kind="hold").acount() == 1


async def test_another_text_in_the_same_form_is_another_chat(
    alices: Browser, mira: Character
) -> None:
    """The back button brings the form with its old key."""
    key = str(uuid4())
    first = await alices.start(mira, key=key)
    assert await alices.start(mira, message="And now?", key=key) != first
    assert await Generation.objects.acount() == 2


async def test_after_deleting_the_chat_the_same_form_sends_it_in_another(
    alices: Browser, mira: Character
) -> None:
    key = str(uuid4())
    await alices.start(mira, key=key)
    await said(await only_chat())
    await Chat.objects.all().adelete()
    await alices.start(mira, key=key)
    assert await said(await only_chat()) == SENT


async def test_a_stranger_signs_up_fails_once_and_it_is_sent(
    browser: Browser, mira: Character
) -> None:
    to = await browser.start(mira)
    back = reverse("start-chat", args=[mira.pk])
    assert to == f"{reverse('account_signup')}?next={back.replace('/', '%2F')}"
    page = (await browser.get(to)).content.decode()
    assert "sent as soon as you sign up" in page
    assert f'value="{back}"' in page

    path = reverse("account_signup")
    refused = await browser.post(path, {**NEW, "password1": "1", "next": back})
    assert refused.status_code == 200
    assert f'value="{back}"' in refused.content.decode()

    signed_up = await browser.post(path, {**NEW, "next": back})
    assert signed_up["Location"] == back
    opened = await asyncio.gather(browser.get(back), browser.get(back))  # reloaded at once
    chat = await Chat.objects.aget(user__username="newcomer")
    assert {answer["Location"] for answer in opened} == {chat.get_absolute_url()}
    assert await said(chat) == SENT
    # Back and forth in the browser's history sends nothing a second time.
    assert (await browser.get(back))["Location"] == mira.get_absolute_url()
    assert await Generation.objects.acount() == 1


async def test_a_stranger_with_an_account_signs_in_instead(
    browser: Browser, alice: User, mira: Character
) -> None:
    page = (await browser.get(await browser.start(mira))).content.decode()
    back = reverse("start-chat", args=[mira.pk])
    sign_in = f"{reverse('account_login')}?next={back.replace('/', '%2F')}"
    assert sign_in in page
    assert "sent as soon as you sign in" in (await browser.get(sign_in)).content.decode()
    form = {"login": "alice", "password": PASSWORD, "next": back}
    assert (await browser.post(sign_in, form))["Location"] == back
    await browser.get(back)
    assert await said(await only_chat()) == SENT


async def test_without_tokens_it_waits_in_the_composer_with_the_reason(
    alices: Browser, alice: User, mira: Character, script: Script
) -> None:
    await sync_to_async(set_tokens)(alice, 0)
    key = str(uuid4())
    to = await alices.start(mira, key=key)
    page = (await alices.get(to)).content.decode()
    assert "Is the pass open? &lt;b&gt;“Really”&lt;/b&gt;\nSecond line.</textarea>" in page
    assert "Not enough tokens for this reply." in page
    assert await said(await only_chat()) == SENT[:1]
    assert script.calls == []
    await sync_to_async(set_tokens)(alice, 1)
    assert await alices.start(mira, key=key) == to
    assert await said(await only_chat()) == SENT
    assert (await Wallet.objects.aget(pk=alice.pk)).balance == 0


async def test_with_the_model_away_it_stays_with_the_reason_and_costs_nothing(
    alices: Browser, mira: Character, script: Script
) -> None:
    script.reset(ProviderUnavailable())
    to = await alices.start(mira)
    chat = await only_chat()
    assert await said(chat) == SENT[:2]
    page = (await alices.get(to)).content.decode()
    assert "The characters are busy right now. Nothing was charged" in page
    assert "data-retry" in page
    assert (await facts(chat)).balance == 10
