"""Chats and messages over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from chat.conversations.chats import create_chat
from chat.conversations.messages import append_message
from chat.models import Character, CharacterText, Chat, Message
from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


class Api:
    """A signed-in client."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.headers = {"authorization": f"Bearer {issue(user)['access']}"}

    def __call__(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        headers = {**self.headers, **({"idempotency-key": key} if key else {})}
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(f"/api{path}", headers=headers, **sent)


@pytest.fixture
def api(owner: User) -> Api:
    return Api(owner)


def test_a_new_chat_has_the_opening_line_and_the_characters_name(
    api: Api, character: Character
) -> None:
    response = api("post", "/chats", {"character_id": str(character.pk)})
    assert response.status_code == 201
    chat = response.json()
    assert chat["title"] == "Mira"
    assert chat["character"]["id"] == str(character.pk)
    assert chat["last_message"] == "Hello there."
    page = api("get", f"/chats/{chat['id']}/messages").json()
    assert page["has_more"] is False
    (message,) = page["results"]
    assert message["content"] == "Hello there."
    assert (message["role"], message["status"]) == ("assistant", "complete")
    assert message["parent_id"] is None
    assert message["receipt"] is None
    assert message["generation_id"] is None
    assert message["created_at"].endswith("Z")


def test_the_opening_line_speaks_the_persons_language(owner: User, character: Character) -> None:
    CharacterText.objects.create(
        character=character,
        language="zh-hans",
        name="米拉",
        tagline="",
        description="",
        opening_line="你好。",
    )
    owner.language = "zh-hans"
    owner.save()
    chat = create_chat(user=owner, character_id=character.pk)
    assert (chat.given_title, chat.language) == ("", "zh-hans")
    with override("zh-hans"):
        assert chat.title == "米拉"
    with override("en"):
        assert chat.title == "Mira"
    assert chat.messages.get().content == "你好。"


def test_a_repeated_key_makes_one_chat(api: Api, character: Character) -> None:
    body = {"character_id": str(character.pk)}
    first = api("post", "/chats", body, key="k")
    again = api("post", "/chats", body, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Chat.objects.count() == 1
    assert api("post", "/chats", body).json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("character_id", "status"),
    [(None, 422), (7, 422), ("7", 404), ("0c2e1f5a-7d58-4f0e-9a43-6a1c2b3d4e5f", 404)],
)
def test_it_needs_a_character_that_exists(api: Api, character_id: Any, status: int) -> None:
    response = api("post", "/chats", {"character_id": character_id})
    assert response.status_code == status


def test_newest_activity_comes_first(api: Api, owner: User, character: Character) -> None:
    first, second = (create_chat(user=owner, character_id=character.pk) for _ in range(2))
    assert [chat["id"] for chat in api("get", "/chats").json()["results"]] == [
        str(second.pk),
        str(first.pk),
    ]
    api("post", f"/chats/{first.pk}/messages", {"content": "Again."})
    newest = api("get", "/chats").json()["results"][0]
    assert newest["id"] == str(first.pk)
    assert newest["last_message"] == "Again."


def test_the_number_of_queries_does_not_grow(
    api: Api,
    owner: User,
    character: Character,
    chat: Chat,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        create_chat(user=owner, character_id=character.pk)
    for number in range(20):
        append_message(chat, role="assistant" if number % 2 else "user", content="…")
    with django_assert_num_queries(4):  # bearer, count, page, texts
        assert len(api("get", "/chats").json()["results"]) == 6
    with django_assert_num_queries(3):  # bearer, chat, messages
        assert len(api("get", f"/chats/{chat.pk}/messages").json()["results"]) == 21


def test_rename_and_delete(api: Api, chat: Chat) -> None:
    path = f"/chats/{chat.pk}"
    assert api("patch", path, {"title": "  Tea & talk "}).json()["title"] == "Tea & talk"
    for title in ("", "  ", "x" * 121, 7, None, "a\x00b"):
        response = api("patch", path, {"title": title})
        assert response.status_code == 422, title
        assert "title" in response.json()["error"]["fields"]
    assert api("get", path).json()["title"] == "Tea & talk"
    assert api("delete", path).status_code == 204
    assert api("get", path).status_code == 404
    assert api("get", f"{path}/messages").status_code == 404
    assert Message.objects.count() == 0


def test_other_peoples_chats_do_not_exist(chat: Chat, bob: User) -> None:
    api = Api(bob)
    path = f"/chats/{chat.pk}"
    assert api("get", path).status_code == 404
    assert api("patch", path, {"title": "Mine"}).status_code == 404
    assert api("delete", path).status_code == 404
    assert api("get", f"{path}/messages").status_code == 404
    assert api("post", f"{path}/messages", {"content": "Hi."}).status_code == 404
    assert api("get", "/chats").json()["results"] == []


@pytest.mark.parametrize("chat_id", ["7", "nonsense", "0c2e1f5a-7d58-4f0e-9a43-6a1c2b3d4e5f"])
def test_unknown_and_malformed_ids_are_404(api: Api, chat_id: str) -> None:
    for path in (f"/chats/{chat_id}", f"/chats/{chat_id}/messages"):
        response = api("get", path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


def test_the_role_is_always_user(api: Api, chat: Chat) -> None:
    body = {"content": " Hi. ", "role": "assistant", "status": "streaming", "number": 99}
    response = api("post", f"/chats/{chat.pk}/messages", body)
    assert response.status_code == 201
    message = response.json()
    assert (message["role"], message["content"]) == ("user", "Hi.")
    assert message["status"] == "complete"


@pytest.mark.parametrize("content", ["", " ", "x" * 10_001, "a\x00b", "\ud83d", 7, None, [], {}])
def test_a_message_is_1_to_10000_characters_of_text(api: Api, chat: Chat, content: Any) -> None:
    response = api("post", f"/chats/{chat.pk}/messages", {"content": content})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "validation_failed"
    assert "content" in response.json()["error"]["fields"]
    assert chat.messages.count() == 1


def test_a_repeated_key_posts_one_message(api: Api, chat: Chat) -> None:
    path = f"/chats/{chat.pk}/messages"
    first = api("post", path, {"content": "Hi."}, key="k")
    again = api("post", path, {"content": "Hi."}, key="k")
    assert first.json() == again.json()
    other = api("post", path, {"content": "Ho."}, key="k")
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert chat.messages.count() == 2


def test_a_key_is_looked_up_before_anything_is_checked(
    api: Api, owner: User, chat: Chat, character: Character
) -> None:
    said = f"/chats/{chat.pk}/messages"
    assert api("post", said, {"content": "Hi."}, key="k").status_code == 201
    for content in ("", None, 7, "x" * 10_001):
        assert api("post", said, {"content": content}, key="k").status_code == 409, content
    made = api("post", "/chats", {"character_id": str(character.pk)}, key="k").json()
    for other in (str(uuid4()), "x", None):
        assert api("post", "/chats", {"character_id": other}, key="k").status_code == 409, other
    Character.objects.filter(pk=character.pk).update(is_public=False)
    again = api("post", "/chats", {"character_id": str(character.pk)}, key="k")
    assert (again.status_code, again.json()["id"]) == (201, made["id"])


def test_older_messages_come_page_by_page(api: Api, chat: Chat) -> None:
    for number in range(2, 8):
        append_message(chat, role="user", content=f"{number}")
    path = f"/chats/{chat.pk}/messages"
    newest = api("get", f"{path}?limit=3").json()
    assert [m["content"] for m in newest["results"]] == ["5", "6", "7"]
    assert newest["has_more"] is True
    older = api("get", f"{path}?limit=4&before={newest['results'][0]['id']}").json()
    assert [m["content"] for m in older["results"]] == ["Hello there.", "2", "3", "4"]
    assert older["has_more"] is False
    assert api("get", f"{path}?before={uuid4()}").status_code == 404
    assert api("get", f"{path}?before=x").status_code == 404
    for limit in ("0", "101", "x", "-1", "²", "9" * 30, "00000000100000"):
        assert api("get", f"{path}?limit={limit}").status_code == 422, limit


def test_signed_out_people_have_no_chats(client: Client) -> None:
    response = client.get("/api/chats")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_signed_in"
