"""Starting a chat, and what is kept until one is signed in."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from chat.models import Character, Chat, Generation
from chat.views.pending import Draft, keep_draft, take_draft
from intellispark.accounts.models import User
from tests.support.factories import PASSWORD, make_character

TYPED = "Is the pass open?"


@pytest.fixture
def mira(db: None) -> Character:
    return make_character("Mira")


def start(client: Client, character: Character, message: str = "", key: str = "") -> str:
    """Where "Start chat" leads."""
    path = reverse("start-chat", args=[character.pk])
    answer = client.post(path, {"message": message, "key": key or str(uuid4())})
    assert answer.status_code == 302
    return answer["Location"]


def test_who_loses_the_way_goes_on_from_the_front_page(
    client: Client, alice: User, mira: Character
) -> None:
    start(client, mira, TYPED)
    client.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    assert client.get("/")["Location"] == reverse("start-chat", args=[mira.pk])


def test_a_stranger_who_comes_back_to_the_character_finds_the_text(
    client: Client, mira: Character
) -> None:
    start(client, mira, TYPED)
    assert "Is the pass open?" in client.get(mira.get_absolute_url()).content.decode()


def test_signing_out_leaves_nothing_to_the_next_person(
    client: Client, alice: User, mira: Character
) -> None:
    start(client, mira, TYPED)
    client.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    client.post(reverse("account_logout"))
    assert "Is the pass open?" not in client.get(mira.get_absolute_url()).content.decode()


def test_a_get_that_nobody_asked_for_makes_nothing(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    answer = client.get(reverse("start-chat", args=[mira.pk]))
    assert answer["Location"] == mira.get_absolute_url()
    assert Chat.objects.count() == 0


def test_too_long_a_text_is_refused_and_kept_in_the_box(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    text = "x" * 10_001
    answer = client.post(reverse("start-chat", args=[mira.pk]), {"message": text})
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert Chat.objects.count() == 0


def test_an_empty_box_starts_the_chat_and_says_nothing(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    start(client, mira, message="  ")
    assert [m.content for m in Chat.objects.get().messages.all()] == ["Hello there."]
    assert Generation.objects.count() == 0


def test_starting_needs_the_form_of_this_site(alice: User, mira: Character) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse("start-chat", args=[mira.pk])).status_code == 403
    assert Chat.objects.count() == 0


def test_drafts_that_nobody_fetches_are_bounded(rf: RequestFactory) -> None:
    request = rf.post("/")
    request.session = {}  # type: ignore[assignment]  # as much of one as it needs
    chats = [uuid4() for _ in range(7)]
    for chat_id in chats:
        draft = Draft(text="x" * 10_000, code="insufficient_tokens", reason="None left.")
        keep_draft(request, chat_id=chat_id, draft=draft)
    assert [take_draft(request, chat_id=chat_id) is None for chat_id in chats] == [
        *[True] * 2,
        *[False] * 5,
    ]
