"""Whole replies through the engine, with a server that nobody here wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pytest_django.fixtures import Settings

from chat.models import Chat
from chat.replies.providers.openai import OpenAIProvider
from tests.support.aimock import NoPeer, aimock, install
from tests.support.replies import Client, facts, read, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]


@pytest.fixture(scope="module")
def peer_url() -> Iterator[str]:
    try:
        install()
    except NoPeer as reason:
        pytest.skip(f"aimock: {reason}")
    with aimock() as url:
        yield url


@pytest.fixture
async def client(chat: Chat, peer_url: str, settings: Settings) -> AsyncIterator[Client]:
    settings.AI_PROVIDER = "openai"
    settings.OPENAI_BASE_URL = peer_url
    settings.OPENAI_API_KEY = "test"
    settings.OPENAI_MODEL = "gpt-4o-mini"
    yield Client(chat.user)
    await OpenAIProvider().close()


async def test_a_reply_in_pieces(chat: Chat, client: Client) -> None:
    events = await read(await client.stream(chat, {"content": "Please say hello."}))
    assert text_of(events) == "Hello! 你好，世界 🌍. This reply comes in more than one piece."
    assert events[-1].name == "done"
    assert events[-1].data["receipt"]["model"] == "gpt-4o-mini"
    assert events[-1].data["receipt"]["completion_tokens"] > 0
    assert (await facts(chat)).balance == 2


async def test_reasoning_stays_out_of_the_text(chat: Chat, client: Client) -> None:
    answer = (await client.generate(chat, {"content": "Please think first."})).json()
    assert answer["message"]["content"] == "Forty-two."


async def test_a_cut_off_reply_is_kept_and_free(chat: Chat, client: Client) -> None:
    events = await read(await client.stream(chat, {"content": "Please break off."}))
    assert events[-1].name == "error"
    assert events[-1].data["error"]["code"] == "provider_failed"
    assert events[-1].data["message"]["status"] == "failed"
    assert "This was going".startswith(events[-1].data["message"]["content"][:14])
    assert (await facts(chat)).balance == 3


@pytest.mark.parametrize(
    ("said", "status"), [("too many", 503), ("no quota", 503), ("say nothing", 502)]
)
async def test_its_refusals_are_not_the_users(
    chat: Chat, client: Client, said: str, status: int
) -> None:
    response = await client.generate(chat, {"content": said})
    assert response.status_code == status
    assert "quota" not in response.content.decode()
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)


async def test_stop_in_mid_stream(chat: Chat, client: Client) -> None:
    generation_id = await client.promise(chat, {"content": "Please be slow."})
    async with asyncio.timeout(60):
        while not (await client.state(generation_id))["message"]["content"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    seen = (await client.stop(generation_id)).json()["generation"]["message"]["content"]
    events = await client.events(generation_id)
    assert events[-1].name == "stopped"
    assert events[-1].data["message"]["content"] == seen
    assert seen
    assert "to the end" not in seen


async def test_equal_requests_at_once_are_one_reply(chat: Chat, client: Client) -> None:
    answers = await asyncio.gather(
        *(client.generate(chat, {"content": "Please say hello."}, key="k") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert (await facts(chat)).balance == 2
