"""What is refused before anything is held, and in which order."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from chat.conversations.chats import create_chat
from chat.conversations.messages import append_message
from chat.models import Character, Chat, Generation
from intellispark.accounts.models import User
from intellispark.api.models import IdempotencyKey
from tests.support.factories import make_user, set_tokens
from tests.support.replies import Client, facts
from tests.support.scripted import Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]


async def test_without_tokens_it_leaves_nothing_and_the_key_works_after_a_top_up(
    chat: Chat, script: Script
) -> None:
    await sync_to_async(set_tokens)(chat.user, 0)
    client = Client(chat.user)
    before = await facts(chat)
    response = await client.generate(chat, key="k")
    assert response.status_code == 402
    error = response.json()["error"]
    assert error["code"] == "insufficient_tokens"
    assert (error["needed"], error["available"]) == (1, 0)
    assert error["detail"]
    after = await facts(chat)
    assert after.messages == before.messages
    assert after.generations == []
    assert not await IdempotencyKey.objects.filter(key="k").aexists()
    assert script.calls == []
    await sync_to_async(set_tokens)(chat.user, 1)
    assert (await client.generate(chat, key="k")).status_code == 200


async def test_errors_before_a_stream_are_plain_json(chat: Chat) -> None:
    await sync_to_async(set_tokens)(chat.user, 0)
    response = await Client(chat.user).stream(chat)
    assert response.status_code == 402
    assert response["Content-Type"] == "application/json"


async def test_one_reply_at_a_time(chat: Chat, script: Script) -> None:
    go_on = asyncio.Event()
    script.reset("One ", go_on, "moment.")
    client = Client(chat.user)
    first = await client.promise(chat)
    second = await client.generate(chat, {"content": "And now?"})
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "generation_in_progress"
    assert second.json()["error"]["generation_id"] == str(first)
    assert (await client.generate(chat, {})).status_code == 409
    go_on.set()
    await client.events(first)
    assert len((await facts(chat)).messages) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": " \n\t "}, "content"),
        ({"content": "x" * 10_001}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": "\ud83d"}, "content"),
        ({"content": 7}, "content"),
        ({"content": ["x"]}, "content"),
        ({"content": "x", "message_id": str(uuid4())}, "message_id"),
        ({"message_id": 7}, "message_id"),
    ],
)
async def test_invalid_content_is_422_with_its_field(chat: Chat, body: dict, field: str) -> None:
    response = await Client(chat.user).generate(chat, body)
    assert response.status_code == 422
    assert field in response.json()["error"]["fields"]
    assert len((await facts(chat)).messages) == 1


async def test_ten_thousand_characters_are_welcome(chat: Chat) -> None:
    response = await Client(chat.user).generate(chat, {"content": "界" * 10_000})
    assert response.status_code == 200


async def test_a_body_that_is_no_json_is_400_and_no_object_422(chat: Chat) -> None:
    client = Client(chat.user)
    response = await client.generate(chat, b"{")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "malformed_request"
    assert (await client.generate(chat, b"[1]")).status_code == 422
    assert (await client.generate(chat, b"[" * 100_000)).status_code == 400
    assert (await client.generate(chat, b'{"content": "Hi.", "x": NaN}')).status_code == 400


async def test_only_an_unanswered_last_message_can_be_answered(chat: Chat) -> None:
    client = Client(chat.user)
    nothing_said = await client.generate(chat, {})
    assert nothing_said.status_code == 422
    assert nothing_said.json()["error"]["code"] == "nothing_to_answer"
    posted = await client.send("post", f"/api/chats/{chat.pk}/messages", {"content": "Hi."})
    assert posted.status_code == 201
    opening = (await facts(chat)).messages[0]
    for message_id in (opening.pk, uuid4(), "nonsense"):
        response = await client.generate(chat, {"message_id": str(message_id)})
        assert response.status_code in (404, 422), message_id
    answered = await client.generate(chat, {"message_id": posted.json()["id"]})
    assert answered.status_code == 200
    assert answered.json()["message"]["parent_id"] == posted.json()["id"]
    assert (await client.generate(chat, {})).status_code == 422
    again = await client.generate(chat, {"message_id": posted.json()["id"]})
    assert again.status_code == 422


async def test_other_peoples_chats_and_generations_do_not_exist(chat: Chat) -> None:
    mallory = Client(await sync_to_async(make_user)("mallory"))
    generation_id = await Client(chat.user).promise(chat)
    assert (await mallory.generate(chat)).status_code == 404
    for path in ("", "/events"):
        response = await mallory.get(f"/api/generations/{generation_id}{path}")
        assert response.status_code == 404
    assert (await mallory.stop(generation_id)).status_code == 404
    assert (await mallory.send("delete", f"/api/chats/{chat.pk}")).status_code == 404


async def test_unknown_and_malformed_ids_are_404(owner: User) -> None:
    client = Client(owner)
    for path in (
        f"/api/chats/{uuid4()}/generate",
        "/api/chats/7/generate",
        "/api/generations/7/stop",
    ):
        response = await client.send("post", path, {"content": "Hi."})
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


async def test_signed_out_is_401_and_a_session_needs_its_csrf_token(chat: Chat) -> None:
    anonymous = AsyncClient(enforce_csrf_checks=True)
    path = f"/api/chats/{chat.pk}/generate"
    response = await anonymous.post(path, data={}, content_type="application/json")
    assert response.status_code == 401
    await anonymous.aforce_login(chat.user)
    response = await anonymous.post(path, data={}, content_type="application/json")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "csrf_failed"
    token = anonymous.cookies["csrftoken"] = "t" * 32
    response = await anonymous.post(
        path,
        data={"content": "Hi."},
        content_type="application/json",
        headers={"x-csrftoken": token},
    )
    assert response.status_code == 200


async def test_other_methods_are_405_with_a_bearer_alone(chat: Chat) -> None:
    client = Client(chat.user, http=AsyncClient(enforce_csrf_checks=True))
    generation_id = await client.promise(chat)
    for path in (f"/api/generations/{generation_id}", f"/api/generations/{generation_id}/events"):
        for method in ("post", "delete"):
            response = await client.send(method, path)
            assert response.status_code == 405
            assert "GET" in response["Allow"]
    assert (await client.send("head", f"/api/generations/{generation_id}")).status_code == 200


async def test_a_key_is_looked_up_before_anything_else(chat: Chat, script: Script) -> None:
    client = Client(chat.user)
    await sync_to_async(set_tokens)(chat.user, 1)
    first = await client.generate(chat, key="k")
    assert first.status_code == 200
    again = await client.generate(chat, key="k")  # no token is left
    assert again.status_code == 200
    assert again.json() == first.json()
    other = await client.generate(chat, {"content": ""}, key="k")
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert len(script.calls) == 1
    too_long = await client.generate(chat, key="k" * 81)
    assert too_long.status_code == 422


async def test_a_key_belongs_to_one_chat(chat: Chat, character: Character) -> None:
    other = await sync_to_async(create_chat)(user=chat.user, character_id=character.pk)
    client = Client(chat.user)
    assert (await client.generate(chat, key="k")).status_code == 200
    assert (await client.generate(other, {"content": "Else."}, key="k")).status_code == 200


async def test_a_replay_attaches_while_it_still_runs(chat: Chat, script: Script) -> None:
    go_on = asyncio.Event()
    script.reset("Half ", go_on, "whole.")
    client = Client(chat.user)
    running = await client.promise(chat, key="k")
    waiting = asyncio.create_task(client.generate(chat, key="k"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    go_on.set()
    answer = (await waiting).json()
    assert answer["message"]["content"] == "Half whole."
    assert answer["message"]["generation_id"] == str(running)
    assert len(script.calls) == 1


async def test_equal_requests_at_once_are_one_generation(chat: Chat, script: Script) -> None:
    client = Client(chat.user)
    await client.bearer()
    answers = await asyncio.gather(*(client.generate(chat, key="k") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["message"]["id"] for answer in answers}) == 1
    assert len(script.calls) == 1
    assert await Generation.objects.acount() == 1
    found = await facts(chat)
    assert (found.balance, found.held, len(found.messages)) == (2, 0, 3)


async def test_different_requests_at_once_are_one_reply_and_409s(
    chat: Chat, script: Script
) -> None:
    go_on = asyncio.Event()
    script.reset(go_on, "Only one.")
    client = Client(chat.user)
    await client.bearer()
    tasks = [asyncio.create_task(client.generate(chat, key=f"k{n}")) for n in range(6)]
    pending = set(tasks)
    while len(pending) > 1:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    go_on.set()
    statuses = sorted([(await task).status_code for task in tasks])
    assert statuses == [200, 409, 409, 409, 409, 409]
    assert len(script.calls) == 1


async def test_a_message_can_wait_behind_a_running_reply(chat: Chat, script: Script) -> None:
    go_on = asyncio.Event()
    script.reset("First.", go_on)
    client = Client(chat.user)
    running = await client.promise(chat)
    posted = await client.send("post", f"/api/chats/{chat.pk}/messages", {"content": "More."})
    assert posted.status_code == 201
    go_on.set()
    await client.events(running)
    second = await client.generate(chat, {})
    assert second.json()["message"]["parent_id"] == posted.json()["id"]
    numbers = [message.number for message in (await facts(chat)).messages]
    assert numbers == sorted(numbers)


async def test_an_unanswered_message_of_old_is_not_the_one(chat: Chat) -> None:
    first = await sync_to_async(append_message)(chat, role="user", content="One.")
    await sync_to_async(append_message)(chat, role="user", content="Two.")
    response = await Client(chat.user).generate(chat, {"message_id": str(first.pk)})
    assert response.status_code == 422
