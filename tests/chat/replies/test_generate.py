"""The three forms of asking for a reply, and what a good one leaves."""

from __future__ import annotations

import pytest

from chat.models import Chat
from tests.support.replies import Client, facts, read, text_of
from tests.support.scripted import COUNTED, Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]


async def test_it_answers_when_done_with_message_receipt_and_balance(
    chat: Chat, script: Script
) -> None:
    script.reset("Hello ", "**you**.", COUNTED)
    response = await Client(chat.user).generate(chat, key="op-1")
    assert response.status_code == 200
    answer = response.json()
    assert answer["message"]["content"] == "Hello **you**."
    assert answer["message"]["content_html"] == '<p dir="auto">Hello <strong>you</strong>.</p>\n'
    assert answer["message"]["status"] == "complete"
    assert answer["message"]["role"] == "assistant"
    assert answer["message"]["receipt"] == answer["receipt"]
    assert answer["receipt"] == {
        "tokens": 1,
        "entry_id": answer["receipt"]["entry_id"],
        "model": "scripted",
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "estimated": False,
    }
    balance = answer["balance"]
    assert (balance["balance"], balance["held"], balance["available"]) == (2, 0, 2)
    assert balance["ops"] == ["op-1"]
    found = await facts(chat)
    assert [message.role for message in found.messages] == ["assistant", "user", "assistant"]
    assert str(found.messages[1].pk) == answer["message"]["parent_id"]


async def test_it_streams_a_start_deltas_and_a_done(chat: Chat, script: Script) -> None:
    script.reset("你好，", "世界 🌍", "!")
    response = await Client(chat.user).stream(chat)
    assert response["X-Accel-Buffering"] == "no"
    assert response["Cache-Control"] == "no-store"
    events = await read(response)
    assert events[0].name == "start"
    assert events[0].id == 0
    assert events[0].data["model"] == "scripted"
    assert events[0].data["balance"]["available"] == 2
    assert events[0].data["balance"]["held"] == 1
    assert text_of(events) == "你好，世界 🌍!"
    deltas = [event for event in events if event.name == "delta"]
    assert deltas[-1].id == len("你好，世界 🌍!")
    assert events[-1].name == "done"
    assert events[-1].data["message"]["content"] == "你好，世界 🌍!"
    assert events[-1].data["message"]["id"] == events[0].data["message_id"]
    assert events[-1].data["balance"]["balance"] == 2
    assert events[-1].data["receipt"]["estimated"] is True


async def test_it_promises_and_goes_on_by_itself(chat: Chat) -> None:
    client = Client(chat.user)
    response = await client.generate(chat, prefer="respond-async")
    assert response.status_code == 202
    answer = response.json()
    assert answer["message"]["status"] == "streaming"
    assert answer["message"]["generation_id"] == answer["generation"]["id"]
    assert answer["balance"]["held"] == 1
    assert response["Location"] == f"/api/generations/{answer['generation']['id']}"
    events = await client.events(answer["generation"]["id"])
    assert events[-1].name == "done"
    state = await client.state(answer["generation"]["id"])
    assert state["status"] == "complete"
    assert state["message"]["content"] == "Hello there."
