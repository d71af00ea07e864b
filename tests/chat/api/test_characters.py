"""Browsing characters."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.conversations.chats import create_chat
from chat.models import Category, Character, CharacterText
from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue
from tests.support.factories import make_character

pytestmark = pytest.mark.django_db


def bearer(user: User) -> dict[str, str]:
    return {"authorization": f"Bearer {issue(user)['access']}"}


def names(response: Any) -> list[str]:
    return [character["name"] for character in response.json()["results"]]


def test_signed_out_people_browse_public_ones_only(client: Client, alice: User) -> None:
    make_character("Open")
    make_character("Hidden", is_public=False, owner=alice)
    assert names(client.get("/api/characters")) == ["Open"]


def test_a_private_character_exists_for_its_owner_alone(
    client: Client, alice: User, bob: User
) -> None:
    hidden = make_character("Hidden", is_public=False, owner=alice)
    path = f"/api/characters/{hidden.pk}"
    assert client.get(path, headers=bearer(alice)).status_code == 200
    assert client.get(path, headers=bearer(bob)).status_code == 404
    assert client.get(path).status_code == 404
    response = client.post(
        "/api/chats",
        {"character_id": str(hidden.pk)},
        content_type="application/json",
        headers=bearer(bob),
    )
    assert response.status_code == 404


def test_the_prompt_is_for_the_owner_alone(client: Client, alice: User, bob: User) -> None:
    mine = make_character("Mine", owner=alice)
    path = f"/api/characters/{mine.pk}"
    seen = client.get(path, headers=bearer(alice)).json()
    assert seen["prompt"] == "You are somebody to talk with."
    assert seen["owner"] == str(alice.pk)
    assert "prompt" not in client.get(path, headers=bearer(bob)).json()
    assert "prompt" not in client.get(path).json()
    assert "You are somebody" not in client.get("/api/characters").content.decode()


def test_a_character_has_what_the_contract_names(
    client: Client, character: Character, owner: User
) -> None:
    create_chat(user=owner, character_id=character.pk)
    found = client.get(f"/api/characters/{character.pk}").json()
    expected = {"id", "name", "tagline", "description", "opening_line", "avatar_url"}
    expected |= {"categories", "is_public", "owner", "chat_count"}
    assert expected <= set(found)
    assert found["chat_count"] == 1
    assert found["owner"] is None


@pytest.mark.both_engines
def test_search_and_category(client: Client) -> None:
    fox = make_character("Fox")
    make_character("Owl")
    fox.categories.add(Category.objects.create(slug="cozy", name="Cozy"))
    CharacterText.objects.create(
        character=fox, language="zh-hans", name="狐狸", tagline="", description="", opening_line=""
    )
    for query, expected in {
        "q=fox": ["Fox"],
        "q=狐": ["Fox"],
        "q=tests": ["Fox", "Owl"],  # of the descriptions
        "q=there": ["Fox", "Owl"],  # of the opening lines
        "q=COZY": ["Fox"],
        "q=治愈": ["Fox"],
        "q=there+cozy": ["Fox"],
        "q=owl+cozy": [],
        "q=there&category=cozy": ["Fox"],
        "q=You+are": [],  # of the prompts, which nobody reads
        "q=%25": [],
        "category=cozy": ["Fox"],
        "category=none": [],
        "q=owl&category=cozy": [],
    }.items():
        assert names(client.get(f"/api/characters?{query}")) == expected, query


def test_it_speaks_the_readers_language(client: Client, character: Character) -> None:
    CharacterText.objects.create(
        character=character,
        language="zh-hans",
        name="米拉",
        tagline="陪你聊天",
        description="……",
        opening_line="你好。",
    )
    response = client.get(
        f"/api/characters/{character.pk}", headers={"accept-language": "zh-CN,zh;q=0.9"}
    )
    assert response.json()["name"] == "米拉"
    assert client.get(f"/api/characters/{character.pk}").json()["name"] == "Mira"


def test_the_number_of_queries_does_not_grow(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    call_command("load_characters", verbosity=0)
    with django_assert_num_queries(4):  # count, page, texts, categories
        assert len(client.get("/api/characters").json()["results"]) >= 12


@pytest.mark.parametrize("character_id", ["0c2e1f5a-7d58-4f0e-9a43-6a1c2b3d4e5f", "7", "nonsense"])
def test_unknown_and_malformed_ids_are_404(client: Client, character_id: str) -> None:
    response = client.get(f"/api/characters/{character_id}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_page_that_does_not_exist_is_404(client: Client, character: Character) -> None:
    assert client.get("/api/characters?page=9").status_code == 404
