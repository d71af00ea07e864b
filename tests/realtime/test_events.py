"""Every event: in the docs, told when it should be, and told in the words of its type."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from chat.conversations.chats import create_chat, rename_chat
from chat.conversations.messages import post_message
from chat.models import Chat, Generation
from chat.replies.deletion import delete_chat
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from intellispark.accounts.models import User
from intellispark.realtime import publish
from intellispark.realtime.events import EVENTS
from intellispark.realtime.publish import publish_on_commit
from intellispark.text import preview
from tests.support.factories import make_character, make_user

DOCS = Path(__file__).parents[2] / "docs" / "realtime.md"


def test_the_docs_have_every_event_with_its_fields() -> None:
    row = r"^\| `([a-z.]+)` \| (?:`([a-z_, ]+)`|none) \|"
    rows = re.findall(row, DOCS.read_text(), re.MULTILINE)
    documented = {name: {*fields.split(", ")} - {""} for name, fields in rows}
    assert documented == {
        name: {*each.payload.__annotations__} - {"type"} for name, each in EVENTS.items()
    }


def test_an_event_that_nobody_declared_is_not_published() -> None:
    with pytest.raises(KeyError):
        publish_on_commit(uuid4(), {"type": "chat.exploded"})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Alice's pages are told of chats and replies."""
    heard: list[dict[str, Any]] = []

    def hear(group: str, message: dict[str, Any]) -> None:
        frame = json.loads(message["text"])
        assert {*frame} == {*EVENTS[frame["type"]].payload.__annotations__}
        if not frame["type"].startswith("balance."):
            heard.append({"group": group, **frame})

    monkeypatch.setattr(publish, "send_to_group", hear)
    return heard


@pytest.fixture
def alice() -> User:
    return make_user("alice")


@pytest.fixture
def chat(alice: User, told: list[Any]) -> Chat:
    found = create_chat(user=alice, character_id=make_character("Mira").pk)
    assert [(each["type"], each["title"]) for each in told] == [("chat.updated", "Mira")]
    assert not told[0]["title_given"]
    told.clear()
    return found


def types(told: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in told]


@pytest.mark.django_db(transaction=True)
def test_renaming_moving_and_deleting_a_chat(chat: Chat, alice: User, told: list[Any]) -> None:
    rename_chat(chat=chat, title="Evenings")
    assert (told[0]["title"], told[0]["title_given"]) == ("Evenings", True)
    post_message(user=alice, chat=chat, content="Hello")
    assert told[1]["updated_at"] > told[0]["updated_at"]
    delete_chat(chat=chat)
    assert types(told) == ["chat.updated", "chat.updated", "chat.deleted"]
    assert {each["chat_id"] for each in told} == {str(told[0]["chat_id"])}
    assert {each["group"] for each in told} == {f"user.{alice.pk}"}


@pytest.mark.django_db(transaction=True)
def test_a_replys_beginning_and_end(chat: Chat, alice: User, told: list[Any]) -> None:
    generation, _ = start(user=alice, chat_id=chat.pk, body={"content": "Hello"})
    assert types(told) == ["chat.updated", "reply.started"]
    assert told[1]["message_id"] == str(generation.message_id)
    outcome = Outcome(Generation.Status.COMPLETE, "Hello!")
    finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)  # too late
    assert types(told) == ["chat.updated", "reply.started", "reply.finished"]
    assert (told[2]["status"], told[2]["message_id"]) == ("complete", str(generation.message_id))
    chat.refresh_from_db()
    assert told[2]["updated_at"].startswith(f"{chat.updated_at:%Y-%m-%dT%H:%M:%S.%f}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Tides**\n\n- are `slow`\n\n& deep", "Tides are slow & deep"),
        ("word " * 100, "word " * 27 + "word…"),
        ("", "Hello"),
    ],
    ids=["marks", "long", "no reply"],
)
def test_a_replys_end_says_what_the_lists_show(
    chat: Chat, alice: User, told: list[Any], text: str, shown: str
) -> None:
    generation, _ = start(user=alice, chat_id=chat.pk, body={"content": "Hello"})
    status = Generation.Status.COMPLETE if text else Generation.Status.FAILED
    finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=Outcome(status, text))
    listed = Chat.objects.owned_by(alice).with_last_message().get()
    assert told[-1]["preview"] == preview(listed.last_content) == shown


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_told(chat: Chat, told: list[Any]) -> None:
    with transaction.atomic():
        rename_chat(chat=chat, title="Never")
        transaction.set_rollback(True)
    assert told == []
