"""A reply that fails costs nothing, and says why."""

from __future__ import annotations

import asyncio

import pytest
from pytest_django.fixtures import Settings

from chat.errors import ProviderFailed, ProviderTimeout, ProviderUnavailable
from chat.models import Chat
from tests.support.replies import Client, facts, read, until
from tests.support.scripted import Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProviderFailed(), 502, "provider_failed"),
        (ProviderUnavailable(retry_after=7), 503, "provider_unavailable"),
        (ProviderTimeout(), 504, "provider_timeout"),
        (RuntimeError("a bug"), 502, "provider_failed"),
    ],
)
async def test_a_failure_without_text_leaves_no_reply_and_no_charge(
    chat: Chat, script: Script, error: Exception, status: int, code: str
) -> None:
    script.reset(error)
    client = Client(chat.user)
    response = await client.generate(chat, key="k")
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    if code == "provider_unavailable":
        assert response.json()["error"]["retry_after"] == 7
        assert response["Retry-After"] == "7"
    assert "bug" not in response.content.decode()
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)
    assert [message.role for message in found.messages] == ["assistant", "user"]
    assert found.generations[0].status == "failed"
    assert found.generations[0].error_code == code
    replay = await client.generate(chat, key="k")
    assert replay.status_code == status
    assert replay.json()["error"]["detail"] == response.json()["error"]["detail"]
    assert len(script.calls) == 1


async def test_a_failure_with_text_keeps_it_marked_and_free(chat: Chat, script: Script) -> None:
    script.reset("So far ", "so good", ProviderFailed())
    client = Client(chat.user)
    events = await read(await client.stream(chat))
    closing = events[-1]
    assert closing.name == "error"
    assert closing.data["error"]["code"] == "provider_failed"
    assert closing.data["message"]["content"] == "So far so good"
    assert closing.data["message"]["status"] == "failed"
    assert closing.data["message"]["receipt"] is None
    assert closing.data["balance"]["available"] == 3
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)
    script.reset("Second try.")
    retry = await client.generate(chat, {})
    assert retry.status_code == 200
    assert [turn.content for turn in script.calls[0].turns][-1] == "Hi."


@pytest.mark.parametrize("steps", [[""], [" \n"], ["<think>only</think> "], ["\u200b"]])
async def test_an_empty_reply_is_a_failure(chat: Chat, script: Script, steps: list[str]) -> None:
    script.steps = steps
    response = await Client(chat.user).generate(chat)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "provider_failed"
    found = await facts(chat)
    assert (found.balance, found.held, len(found.messages)) == (3, 0, 2)


@pytest.mark.parametrize(
    ("limit", "secs", "steps", "kept"),
    [
        ("AI_FIRST_TOKEN_TIMEOUT", 0.3, [900], None),
        ("AI_IDLE_TIMEOUT", 0.3, ["Well", 900], "Well"),
        ("AI_TOTAL_TIMEOUT", 3, ["a", 0.06] * 5_000, "a"),
    ],
)
async def test_what_takes_too_long_is_a_timeout(
    chat: Chat,
    script: Script,
    settings: Settings,
    limit: str,
    secs: float,
    steps: list,
    kept: str | None,
) -> None:
    setattr(settings, limit, secs)
    script.reset(*steps)
    response = await Client(chat.user).generate(chat)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "provider_timeout"
    assert script.closed == 1
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)
    if kept:
        assert found.messages[-1].content.startswith(kept)
        assert found.messages[-1].status == "failed"
    else:
        assert found.messages[-1].role == "user"


async def test_a_free_model_takes_nothing(chat: Chat, script: Script) -> None:
    script.price = 0
    response = await Client(chat.user).generate(chat)
    assert response.status_code == 200
    assert response.json()["receipt"] is None
    assert response.json()["balance"]["balance"] == 3
    assert (await facts(chat)).balance == 3


async def test_leaving_the_stream_stops_nothing(chat: Chat, script: Script) -> None:
    go_on = asyncio.Event()
    script.reset("Still ", go_on, "here.")
    client = Client(chat.user)
    response = await client.stream(chat)
    stream = aiter(response.streaming_content)
    await anext(stream)
    await stream.aclose()
    generation = (await facts(chat)).generations[0]
    go_on.set()
    events = await client.events(generation.pk)
    assert events[-1].name == "done"
    assert events[-1].data["message"]["content"] == "Still here."


async def test_a_client_that_leaves_before_the_start_still_gets_its_reply_written(
    chat: Chat,
) -> None:
    client = Client(chat.user)
    await client.bearer()
    request = asyncio.create_task(client.generate(chat, key="k"))
    await until(lambda found: bool(found.generations), chat)
    request.cancel()
    found = await until(lambda found: not found.generations[0].is_running, chat)
    assert found.generations[0].status == "complete"
    assert (found.balance, found.held) == (2, 0)
