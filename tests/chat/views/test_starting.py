"""From "Start chat" to the composer, with nothing typed lost on the way."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from chat.models import Character, Chat
from intellispark.accounts.models import User
from tests.support.factories import PASSWORD, make_character

pytestmark = pytest.mark.django_db

TYPED = "Is the pass open? <b>“Really”</b>\nSecond line."
NEW = {"username": "newcomer", "email": "new@example.com", "password1": "a-good-pass-phrase-9"}


@pytest.fixture
def mira(db: None) -> Character:
    return make_character("Mira")


def start(client: Client, character: Character, message: str = TYPED, key: str = "") -> str:
    """Where "Start chat" leads."""
    path = reverse("start-chat", args=[character.pk])
    answer = client.post(path, {"message": message, "key": key or str(uuid4())})
    assert answer.status_code == 302
    return answer["Location"]


def drafts(client: Client) -> dict[str, str]:
    return client.session.get("drafts", {})


def test_signed_in_it_opens_the_chat_with_the_text_as_draft(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    to = start(client, mira)
    chat = Chat.objects.get(user=alice)
    assert to == chat.get_absolute_url()
    assert drafts(client) == {str(chat.pk): TYPED}
    assert "Is the pass open? &lt;b&gt;“Really”" in client.get(to).content.decode()
    assert drafts(client) == {}


def test_the_draft_is_not_sent_by_itself(client: Client, alice: User, mira: Character) -> None:
    client.force_login(alice)
    client.get(start(client, mira))
    assert [m.content for m in Chat.objects.get().messages.all()] == ["Hello there."]


def test_a_double_click_makes_one_chat(client: Client, alice: User, mira: Character) -> None:
    client.force_login(alice)
    key = str(uuid4())
    assert start(client, mira, key=key) == start(client, mira, key=key)
    assert Chat.objects.count() == 1


def test_after_deleting_the_chat_the_same_form_makes_another(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    key = str(uuid4())
    start(client, mira, key=key)
    Chat.objects.all().delete()
    start(client, mira, key=key)
    assert Chat.objects.count() == 1


def test_a_stranger_signs_up_fails_once_and_still_arrives(client: Client, mira: Character) -> None:
    to = start(client, mira)
    back = reverse("start-chat", args=[mira.pk])
    assert to == f"{reverse('account_signup')}?next={back.replace('/', '%2F')}"
    page = client.get(to).content.decode()
    assert "right after you sign up" in page
    assert f'value="{back}"' in page

    refused = client.post(reverse("account_signup"), {**NEW, "password1": "1", "next": back})
    assert refused.status_code == 200
    assert f'value="{back}"' in refused.content.decode()

    signed_up = client.post(reverse("account_signup"), {**NEW, "next": back})
    assert signed_up["Location"] == back
    opened = client.get(back)
    chat = Chat.objects.get(user__username="newcomer")
    assert opened["Location"] == chat.get_absolute_url()
    assert drafts(client) == {str(chat.pk): TYPED}
    # Back and forth in the browser's history makes no second one.
    assert client.get(back)["Location"] == mira.get_absolute_url()
    assert Chat.objects.count() == 1


def test_a_stranger_with_an_account_signs_in_instead(
    client: Client, alice: User, mira: Character
) -> None:
    page = client.get(start(client, mira)).content.decode()
    back = reverse("start-chat", args=[mira.pk])
    sign_in = f"{reverse('account_login')}?next={back.replace('/', '%2F')}"
    assert sign_in in page
    assert "right after you sign in" in client.get(sign_in).content.decode()
    answer = client.post(sign_in, {"login": "alice", "password": PASSWORD, "next": back})
    assert answer["Location"] == back
    client.get(back)
    assert list(drafts(client).values()) == [TYPED]


def test_who_loses_the_way_goes_on_from_the_front_page(
    client: Client, alice: User, mira: Character
) -> None:
    start(client, mira)
    client.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    assert client.get("/")["Location"] == reverse("start-chat", args=[mira.pk])


def test_a_stranger_who_comes_back_to_the_character_finds_the_text(
    client: Client, mira: Character
) -> None:
    start(client, mira)
    assert "Is the pass open?" in client.get(mira.get_absolute_url()).content.decode()


def test_signing_out_leaves_nothing_to_the_next_person(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    start(client, mira)
    client.post(reverse("account_logout"))
    assert drafts(client) == {}
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


def test_an_empty_box_starts_the_chat_without_a_draft(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    start(client, mira, message="  ")
    assert Chat.objects.count() == 1
    assert drafts(client) == {}


def test_starting_needs_the_form_of_this_site(alice: User, mira: Character) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse("start-chat", args=[mira.pk])).status_code == 403
    assert Chat.objects.count() == 0


def test_drafts_that_nobody_fetches_are_bounded(
    client: Client, alice: User, mira: Character
) -> None:
    client.force_login(alice)
    for number in range(7):
        start(client, mira, f"Draft {number}")
    assert list(drafts(client).values()) == [f"Draft {number}" for number in range(2, 7)]
