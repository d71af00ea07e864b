"""The chat page as the server renders it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.conversations.chats import create_chat
from chat.conversations.messages import append_message
from chat.models import Chat, Generation, Message
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from chat.views import chat as chat_view
from intellispark.accounts.models import User
from tests.support.factories import make_character

PAGE = 30


@pytest.fixture
def chat(alice: User) -> Chat:
    return create_chat(user=alice, character_id=make_character().pk)


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def open_chat(client: Client, chat: Chat) -> Any:
    return client.get(f"/chats/{chat.pk}/")


def test_it_shows_the_opening_line_the_price_and_the_balance(as_alice: Client, chat: Chat) -> None:
    page = open_chat(as_alice, chat)
    assert page.status_code == 200
    html = page.content.decode()
    assert "Hello there." in html
    assert "1 per reply" in html
    assert html.count("data-token-balance") == 4  # nav, sidebar, menu, composer
    assert "no-store" in page["Cache-Control"]


def test_nobody_else_finds_it(client: Client, chat: Chat, bob: User) -> None:
    client.force_login(bob)
    assert open_chat(client, chat).status_code == 404
    assert client.get(f"/chats/{uuid4()}/").status_code == 404


def test_who_is_signed_out_is_led_to_sign_in_and_back(client: Client, chat: Chat) -> None:
    page = open_chat(client, chat)
    assert page.status_code == 302
    assert page["Location"].endswith(f"?next=/chats/{chat.pk}/")


def test_the_newest_messages_come_with_the_page(as_alice: Client, chat: Chat) -> None:
    for n in range(40):
        append_message(chat, role="user", content=f"message {n}")
    context = open_chat(as_alice, chat).context
    shown = [message.content for message in context["chat_messages"]]
    assert shown == [f"message {n}" for n in range(10, 40)]
    assert context["has_more"] is True


def test_more_messages_take_no_more_queries(as_alice: Client, chat: Chat) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            open_chat(as_alice, chat)
        return len(captured)

    queries()
    before = queries()
    asked = append_message(chat, role="user", content="?")
    for _ in range(10):
        append_message(chat, role="assistant", content="*yes*", parent=asked)
    assert queries() == before


def test_what_a_user_typed_is_text_and_a_reply_is_markdown(as_alice: Client, chat: Chat) -> None:
    asked = append_message(chat, role="user", content="<b>**bold?**</b>")
    append_message(chat, role="assistant", content="**bold!** <b>", parent=asked)
    html = open_chat(as_alice, chat).content.decode()
    assert "&lt;b&gt;**bold?**&lt;/b&gt;" in html
    assert "<strong>bold!</strong> &lt;b&gt;" in html


def test_a_first_message_that_was_refused_is_handed_over_once_with_the_reason(
    as_alice: Client, chat: Chat
) -> None:
    draft = {"text": "Typed <before>", "code": "invalid", "reason": "Not today."}
    session = as_alice.session
    session["unsent"] = {str(chat.pk): draft, "other": draft}
    session.save()
    html = open_chat(as_alice, chat).content.decode()
    assert "Typed &lt;before&gt;</textarea>" in html
    assert "<p data-text>Not today.</p>" in html
    assert "Typed" not in open_chat(as_alice, chat).content.decode()
    assert as_alice.session["unsent"] == {"other": draft}


@pytest.mark.parametrize(
    ("status", "can_retry"),
    [("complete", False), ("stopped", False), ("failed", True), ("interrupted", True)],
)
def test_a_reply_that_broke_off_can_be_tried_again(
    as_alice: Client, chat: Chat, status: str, can_retry: bool
) -> None:
    asked = append_message(chat, role="user", content="?")
    append_message(chat, role="assistant", content="So", status=status, parent=asked)
    assert bool(open_chat(as_alice, chat).context["unanswered"]) is can_retry


def test_a_message_without_a_reply_can_be_tried_again(as_alice: Client, chat: Chat) -> None:
    assert open_chat(as_alice, chat).context["unanswered"] == ""
    append_message(chat, role="user", content="?")
    assert "no complete reply" in open_chat(as_alice, chat).context["unanswered"]


def test_suggestions_are_for_empty_chats(as_alice: Client, chat: Chat) -> None:
    chat.character.texts.update(suggestions=["Where are we?"])
    assert "Where are we?" in open_chat(as_alice, chat).content.decode()
    append_message(chat, role="user", content="?")
    assert "Where are we?" not in open_chat(as_alice, chat).content.decode()


def test_a_reply_that_ends_while_the_page_is_read_is_followed_to_its_end(
    client: Client, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that shows a reply growing asks for its end, which has come by then."""
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."})
    read = chat_view.message_page

    def read_then_end(**asked: Any) -> tuple[list[Message], bool]:
        found = read(**asked)
        outcome = Outcome(Generation.Status.COMPLETE, "Hello.")
        assert finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
        return found

    monkeypatch.setattr(chat_view, "message_page", read_then_end)
    client.force_login(chat.user)
    assert str(generation.pk) in client.get(chat.get_absolute_url()).content.decode()
