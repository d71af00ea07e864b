"""A reply is rendered once, when it ends; what people write has no HTML; lists are bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.conversations import html, messages
from chat.conversations.chats import create_chat
from chat.conversations.markdown import RENDERER_VERSION
from chat.conversations.messages import append_message, message_page
from chat.models import Chat, Message
from intellispark.accounts.models import User
from tests.support.factories import make_character

pytestmark = pytest.mark.django_db
TABLE = "|a" * 200 + "|\n" + "|-" * 200 + "|\n" + "|\n" * 2_000


@pytest.fixture
def chat(alice: User) -> Chat:
    return create_chat(user=alice, character_id=make_character().pk)


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is rendered from now on."""
    found: list[str] = []
    render = html.render
    monkeypatch.setattr(html, "render", lambda text: found.append(text) or render(text))
    return found


def listed(client: Client, chat: Chat, **query: Any) -> Any:
    return client.get(f"/api/chats/{chat.pk}/messages", query)


def reply(chat: Chat, content: str, **fields: Any) -> Message:
    return append_message(chat, role=Message.Role.ASSISTANT, content=content, **fields)


def test_a_reply_is_rendered_when_it_is_written_and_never_when_it_is_read(
    client: Client, chat: Chat, alice: User, renders: list[str]
) -> None:
    client.force_login(alice)
    asked = append_message(chat, role=Message.Role.USER, content="?")
    reply(chat, "*yes*", parent=asked)
    assert renders == ["*yes*"]
    for _ in range(2):
        answer = listed(client, chat).json()["results"][-1]
        assert answer["content_html"] == '<p dir="auto"><em>yes</em></p>\n'
        assert "<em>yes</em>" in client.get(f"/chats/{chat.pk}/").content.decode()
    assert renders == ["*yes*"]


def test_what_people_write_has_no_html_however_much_markdown_it_is(
    client: Client, chat: Chat, alice: User, renders: list[str]
) -> None:
    client.force_login(alice)
    body = {"content": TABLE}
    posted = client.post(f"/api/chats/{chat.pk}/messages", body, "application/json")
    assert posted.status_code == 201
    assert posted.json()["content_html"] == ""
    assert len(posted.content) < 2 * len(TABLE)
    assert len(listed(client, chat).content) < 2 * len(TABLE)
    assert TABLE[:100] in client.get(f"/chats/{chat.pk}/").content.decode()
    assert renders == []


def test_a_reply_that_still_grows_is_text(client: Client, chat: Chat, alice: User) -> None:
    client.force_login(alice)
    reply(chat, "*so <far>", status=Message.Status.STREAMING)
    assert listed(client, chat).json()["results"][-1]["content_html"] == ""
    assert "*so &lt;far&gt;" in client.get(f"/chats/{chat.pk}/").content.decode()


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, '<p dir="auto">He said *so</p>\n'),
        ({"status": "stopped"}, '<p dir="auto">He said <em>so</em></p>\n'),
        ({"status": "failed"}, '<p dir="auto">He said <em>so</em></p>\n'),
        ({"status": "interrupted"}, '<p dir="auto">He said <em>so</em></p>\n'),
        ({"cut_by": "length"}, '<p dir="auto">He said <em>so</em></p>\n'),
    ],
)
def test_what_a_cut_reply_left_open_is_closed(chat: Chat, fields: dict, shown: str) -> None:
    assert reply(chat, "He said *so", **fields).content_html == shown


def test_html_of_an_older_renderer_is_made_anew_once_by_who_reads_it(
    client: Client, chat: Chat, alice: User, renders: list[str]
) -> None:
    client.force_login(alice)
    for n in range(3):
        reply(chat, f"*{n}*")
    Message.objects.update(content_html="<p>old</p>", html_version=RENDERER_VERSION - 1)
    renders.clear()
    with CaptureQueriesContext(connection) as first:
        assert "old" not in listed(client, chat).content.decode()
    assert len(renders) == 4  # and the opening line
    with CaptureQueriesContext(connection) as second:
        listed(client, chat)
    assert len(renders) == 4
    assert len(first) == len(second) + 1
    assert set(chat.messages.values_list("html_version", flat=True)) == {RENDERER_VERSION}


def test_a_single_answer_is_never_html_of_an_older_renderer(chat: Chat) -> None:
    message = reply(chat, "*new*")
    Message.objects.update(content_html="<p>old</p>", html_version=0)
    message.refresh_from_db()
    assert html.html_of(message) == '<p dir="auto"><em>new</em></p>\n'


def test_a_list_of_long_messages_ends_when_it_is_long_enough(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        append_message(chat, role=Message.Role.USER, content=str(n) * 1_000)
    monkeypatch.setattr(messages, "PAGE_MAX_CHARS", 2_500)
    newest, has_more = message_page(chat=chat, limit=100)
    assert [message.content[0] for message in newest] == ["4", "5"]
    assert has_more
    older, _ = message_page(chat=chat, before=newest[0].pk, limit=100)
    assert [message.content[0] for message in older] == ["2", "3"]
    monkeypatch.setattr(messages, "PAGE_MAX_CHARS", 10)
    assert len(message_page(chat=chat, limit=100)[0]) == 1


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 8, 100])
def test_a_list_is_the_same_however_it_is_read(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    for n in range(6):
        append_message(chat, role=Message.Role.USER, content=str(n))
    monkeypatch.setattr(messages, "READ_AT_ONCE", at_once)
    for limit in range(1, 10):
        found, has_more = message_page(chat=chat, limit=limit)
        assert [message.number for message in found] == list(range(1, 8))[-limit:]
        assert has_more == (limit < 7)


def test_no_more_is_read_than_one_query_too_many(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        append_message(chat, role=Message.Role.USER, content=str(n) * 1_000)
    monkeypatch.setattr(messages, "PAGE_MAX_CHARS", 2_500)
    monkeypatch.setattr(messages, "READ_AT_ONCE", 2)
    with CaptureQueriesContext(connection) as captured:
        message_page(chat=chat, limit=100)
    assert len(captured) == 2


def test_the_lists_of_chats_read_only_the_beginning_of_what_was_said(
    client: Client, chat: Chat, alice: User
) -> None:
    client.force_login(alice)
    append_message(chat, role=Message.Role.USER, content="word " * 2_000)
    found = Chat.objects.owned_by(alice).with_last_message().get()
    assert len(found.last_content) == 1_000  # type: ignore[attr-defined]
    (listed_chat,) = client.get("/api/chats").json()["results"]
    assert listed_chat["last_message"].startswith("word word")
