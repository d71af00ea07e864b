"""Every page answers: to strangers, to people, with nobody in it, with odd questions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from chat.conversations.chats import create_chat
from chat.models import Category
from intellispark.accounts.models import User
from tests.support.factories import make_character

OPEN = ["home", "discover", "account_login", "account_signup", "account_reset_password"]
OPEN += ["account_reset_password_done", "account_inactive"]
OWN = ["home", "discover", "chats", "payment", "settings", "account_logout"]
OWN += ["account_change_password", "account_email"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def alices(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.parametrize("name", OPEN)
def test_pages_answer_strangers_on_an_empty_site(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", OWN)
def test_pages_answer_people_and_show_the_balance_twice(alices: Client, name: str) -> None:
    make_character("Mira")
    page = alices.get(reverse(name))
    assert page.status_code == 200
    html = page.content.decode()
    nav, sidebar = html.split("data-nav")[1].split("<main")[0], html.split("data-sidebar")[1]
    assert "data-token-balance" in nav
    assert "data-token-balance" in sidebar.split("</aside>")[0]


@pytest.mark.parametrize("name", ["chats", "payment", "settings"])
def test_own_pages_send_strangers_to_sign_in_and_back(client: Client, name: str) -> None:
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"] == f"{reverse('account_login')}?next={reverse(name)}"


def test_strangers_see_no_balance(client: Client) -> None:
    make_character("Mira")
    for page in (client.get("/"), client.get("/characters/")):
        assert b"data-token-balance" not in page.content
        assert b"Mira" in page.content


@pytest.mark.both_engines
def test_search_finds_by_name_and_says_when_nobody_matches(client: Client) -> None:
    make_character("Mira")
    make_character("Quill")
    found = client.get("/characters/", {"q": "quil"}).content.decode()
    assert "Quill" in found
    assert "Mira" not in found
    nobody = client.get("/characters/", {"q": "<b>zzz"})
    assert "No characters match “&lt;b&gt;zzz”" in nobody.content.decode()


def test_shelves_filter_by_category_and_keep_the_search(client: Client) -> None:
    cozy = Category.objects.create(slug="cozy", name="Cozy")
    make_character("Mira").categories.add(cozy)
    make_character("Quill")
    page = client.get("/characters/", {"category": "cozy", "q": "talk"}).content.decode()
    assert "Mira" in page
    assert "Quill" not in page
    assert "?category=new&amp;q=talk" in page


@pytest.mark.parametrize(
    "query",
    [
        {"page": "99"},
        {"page": "-1"},
        {"page": "x"},
        {"category": "no-such"},
        {"category": "new"},
        {"q": "字" * 500},
    ],
)
def test_odd_questions_to_discover_are_answered(client: Client, query: dict[str, str]) -> None:
    make_character("Mira")
    assert client.get("/characters/", query).status_code == 200


def test_discover_pages_through_many(client: Client) -> None:
    for number in range(26):
        make_character(f"Person {number}", position=number)
    first = client.get("/characters/").content.decode()
    assert first.count('class="card"') == 24
    assert "?page=2" in first
    assert client.get("/characters/?page=2").content.decode().count('class="card"') == 2


def test_popular_comes_first(client: Client, alice: User) -> None:
    make_character("Heartbeat", position=1)
    create_chat(user=alice, character_id=make_character("Loved", position=2).pk)
    page = client.get("/characters/").content.decode()
    assert page.index("Loved") < page.index("Heartbeat")


def test_a_private_character_is_its_owners_alone(client: Client, alice: User, bob: User) -> None:
    secret = make_character("Secret", is_public=False, owner=alice)
    assert client.get(secret.get_absolute_url()).status_code == 404
    client.force_login(bob)
    assert client.get(secret.get_absolute_url()).status_code == 404
    assert b"Secret" not in client.get("/characters/").content
    assert client.post(reverse("start-chat", args=[secret.pk])).status_code == 404
    client.force_login(alice)
    assert client.get(secret.get_absolute_url()).status_code == 200


def test_prompts_never_reach_a_page(client: Client) -> None:
    page = client.get(make_character("Mira").get_absolute_url())
    assert b"You are somebody to talk with" not in page.content


def test_chats_are_listed_newest_first_and_only_ones_own(
    alices: Client, alice: User, bob: User
) -> None:
    for name in ("First", "Second"):
        create_chat(user=alice, character_id=make_character(name).pk)
    create_chat(user=bob, character_id=make_character("Bobs").pk)
    rows = alices.get("/chats/").content.decode().split('class="chat-list"')[1]
    assert rows.index("Second") < rows.index("First")
    assert "Bobs" not in rows


def test_unknown_paths_have_a_page_with_a_way_out(client: Client) -> None:
    page = client.get("/no-such-page")
    assert page.status_code == 404
    assert b"There is nothing here" in page.content


@pytest.mark.parametrize("signed_in", [False, True])
def test_queries_do_not_grow_with_the_rows(
    client: Client, alice: User, django_assert_max_num_queries: Any, signed_in: bool
) -> None:
    for number in range(12):
        character = make_character(f"Person {number}")
        create_chat(user=alice, character_id=character.pk)
    if signed_in:
        client.force_login(alice)
    for path in ("/", "/characters/", character.get_absolute_url(), "/chats/"):
        with django_assert_max_num_queries(12):
            client.get(path)


@pytest.mark.parametrize(
    ("name", "shown"), [("Orin", "给 Orin 发消息…"), ("由纪", "给由纪发消息…")]
)
def test_a_latin_name_stands_apart_in_chinese(
    alices: Client, alice: User, name: str, shown: str
) -> None:
    chat = create_chat(user=alice, character_id=make_character(name).pk)
    alices.cookies["django_language"] = "zh-hans"
    with override("en"):  # and back to it: the page's language stays on after the request
        page = alices.get(chat.get_absolute_url()).content.decode()
    assert f'placeholder="{shown}"' in page


@pytest.mark.parametrize(
    ("welcome", "price", "said", "unsaid"),
    [
        (10, 2, ["Start with 10 free tokens", "10 free tokens to start", "2 per reply"], ["Free"]),
        (1, 1, ["Start with 1 free token", "1 free token to start"], ["tokens to start"]),
        (0, 1, ["Get started", "1 per reply"], ["0 free", "free token"]),
        (10, 0, ["Free replies"], ["0 tokens", "0 per reply", "Each reply costs"]),
    ],
)
def test_the_landing_page_says_no_zeros(
    client: Client, settings: Any, welcome: int, price: int, said: list[str], unsaid: list[str]
) -> None:
    settings.WELCOME_TOKENS, settings.AI_PRICE_TOKENS = welcome, price
    make_character("Mira")
    page = client.get("/").content.decode()
    assert [text for text in said if text not in page] == []
    assert [text for text in unsaid if text in page] == []
