"""An answer that lasts ends with its credential, and costs others nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from chat.conversations.chats import create_chat
from chat.conversations.messages import post_message
from chat.models import Character, Chat, Generation
from chat.replies import rows, running
from chat.replies.start import start
from chat.replies.tail import Chunk, tail
from intellispark.accounts import long_answers, passwords, tokens
from intellispark.accounts.models import TokenFamily, User
from intellispark.accounts.suspension import suspend
from intellispark.api.errors import Suspended
from payments.ledger.balance import snapshot
from tests.support.replies import Client, facts, parse, until
from tests.support.scripted import Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]
MOST_SECS = 2.0


def sign_out(user: User) -> None:
    tokens.revoke_family(TokenFamily.objects.get(user=user))


def change_password(user: User) -> None:
    passwords.set_by_admin(user=user, password="correct horse battery")


ENDINGS: dict[str, Callable[[User], object]] = {
    "suspension": lambda user: suspend(user=user),
    "sign-out": sign_out,
    "password": change_password,
}


async def rest(response: Any) -> tuple[str, float]:
    """What still comes, and when it ended."""
    body = "".join([part.decode() async for part in response.streaming_content])
    return body, time.monotonic()


@pytest.mark.parametrize("path", ["generate", "events"])
@pytest.mark.parametrize("how", ENDINGS)
async def test_a_long_answer_ends_with_its_credential(
    chat: Chat, script: Script, how: str, path: str
) -> None:
    go_on = asyncio.Event()
    script.reset("Half", go_on, " of it, for nobody.")
    client = Client(chat.user)
    if path == "generate":
        response = await client.stream(chat)
    else:
        generation_id = await client.promise(chat)
        response = await client.get(f"/api/generations/{generation_id}/events")
    reading = asyncio.create_task(rest(response))
    await script.reached.wait()
    began = time.monotonic()
    await sync_to_async(ENDINGS[how])(chat.user)
    async with asyncio.timeout(60):
        body, ended = await reading
    go_on.set()
    assert ended - began < MOST_SECS
    assert "for nobody" not in body
    assert "event: done" not in body


@pytest.mark.parametrize(("how", "status"), [("suspension", 403), ("sign-out", 401)])
async def test_who_waits_for_a_whole_reply_is_refused(
    chat: Chat, script: Script, how: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.suspension.finish_generation", lambda **_: None)
    monkeypatch.setattr(running, "interrupt", lambda _id: None)  # written by another process
    go_on = asyncio.Event()
    script.reset("Half", go_on)
    asking = asyncio.create_task(Client(chat.user).generate(chat))
    await script.reached.wait()
    began = time.monotonic()
    await sync_to_async(ENDINGS[how])(chat.user)
    async with asyncio.timeout(60):
        answer = await asking
    assert time.monotonic() - began < MOST_SECS
    assert answer.status_code == status
    go_on.set()
    await until(lambda found: found.held == 0, chat)


async def test_a_session_ends_its_streams_too(chat: Chat, script: Script) -> None:
    go_on = asyncio.Event()
    script.reset("Half", go_on, " more")
    http = AsyncClient()
    await http.aforce_login(chat.user)
    response = await http.post(
        f"/api/chats/{chat.pk}/generate",
        data={"content": "Hi."},
        content_type="application/json",
        headers={"accept": "text/event-stream"},
    )
    reading = asyncio.create_task(rest(response))
    await script.reached.wait()
    await http.alogout()
    async with asyncio.timeout(60):
        body, _ = await reading
    go_on.set()
    assert "Half" in body
    assert " more" not in body
    await until(lambda found: found.held == 0, chat)


async def test_others_are_left_alone_and_a_token_may_run_out(
    chat: Chat, character: Character, bob: User, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    script.reset("Half", go_on, " and half.")
    bobs = await sync_to_async(create_chat)(user=bob, character_id=character.pk)
    client = Client(bob)
    mine = asyncio.create_task(rest(await Client(chat.user).stream(chat)))
    his = asyncio.create_task(rest(await client.stream(bobs)))
    await script.reached.wait()
    await sync_to_async(suspend)(user=chat.user)
    later = time.time() + 3_600  # an access token lasts 15 minutes
    monkeypatch.setattr("intellispark.accounts.sockets.time.time", lambda: later)
    await mine
    go_on.set()
    body, _ = await his
    assert parse(body)[-1].name == "done"


async def test_suspension_stops_running_replies_and_nothing_is_charged(
    chat: Chat, script: Script
) -> None:
    script.reset("Half", asyncio.Event(), " never said")
    await Client(chat.user).promise(chat)
    await script.reached.wait()
    await sync_to_async(suspend)(user=chat.user)
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)
    assert [each.status for each in found.generations] == ["interrupted"]
    assert (found.messages[-1].content, found.messages[-1].status) == ("Half", "interrupted")
    async with asyncio.timeout(60):
        while script.closed == 0:  # noqa: ASYNC110  the model's server is let go of
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("write", ["reply", "message"])
def test_nothing_begins_behind_a_suspension(chat: Chat, write: str) -> None:
    """The request was authenticated before it, and is carried out after it."""
    begin: dict[str, Callable[[], object]] = {
        "reply": lambda: start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}),
        "message": lambda: post_message(user=chat.user, chat=chat, content="Hi."),
    }
    suspend(user=User.objects.get(pk=chat.user_id))
    with pytest.raises(Suspended):
        begin[write]()
    assert snapshot(chat.user_id)["held"] == 0
    assert chat.messages.count() == 1


async def test_one_stream_too_many_ends_the_oldest(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_answers, "STREAMS_PER_USER", 2)
    go_on = asyncio.Event()
    script.reset("Half", go_on, " and half.")
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await script.reached.wait()
    path = f"/api/generations/{generation_id}/events"

    async def open_stream() -> asyncio.Task[tuple[str, float]]:
        response = await client.get(path)
        parts = response.streaming_content
        heard = [await anext(parts), await anext(parts)]  # it has begun: start, and a delta

        async def read() -> tuple[str, float]:
            heard.extend([part async for part in parts])
            return b"".join(heard).decode(), time.monotonic()

        return asyncio.create_task(read())

    oldest, second, third = [await open_stream() for _ in range(3)]
    async with asyncio.timeout(60):
        body, _ = await oldest
    closing = parse(body)[-1]
    assert (closing.name, closing.data["error"]["code"]) == ("error", "too_many_streams")
    assert closing.data["balance"]["held"] == 1
    go_on.set()
    for reading in (second, third):
        body, _ = await reading
        assert parse(body)[-1].name == "done"
    assert not long_answers.long_answers._open
    assert not long_answers.long_answers._streams


async def test_followers_of_what_another_process_writes_share_one_poll(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    script.reset("Seen ", go_on, "from afar.")
    generation_id = await Client(chat.user).promise(chat)
    await script.reached.wait()
    monkeypatch.setattr(running, "find_here", lambda _id: None)
    polls = 0
    read = rows._read

    def counted(ids: Any) -> dict[Any, Generation]:
        nonlocal polls
        polls += 1
        assert list(ids) == [generation_id]
        with CaptureQueriesContext(connection) as queries:
            found = read(ids)
        assert len(queries) <= 2 or not found[generation_id].is_running
        return found

    monkeypatch.setattr(rows, "_read", counted)
    began = time.monotonic()
    readers = [asyncio.create_task(_followed(generation_id)) for _ in range(300)]
    await until(lambda found: found.messages[-1].content == "Seen ", chat)
    go_on.set()
    assert {await reader for reader in readers} == {"Seen from afar."}
    assert polls <= 3 + (time.monotonic() - began) / rows.ROW_POLL_SECS


async def _followed(generation_id: Any) -> str:
    items = [item async for item in tail(generation_id)]
    assert isinstance(items[-1], Generation)
    return "".join(item.text for item in items if isinstance(item, Chunk))


async def test_a_row_that_cannot_be_read_breaks_its_streams_off(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.reset("Seen ", asyncio.Event())
    generation_id = await Client(chat.user).promise(chat)
    await script.reached.wait()
    monkeypatch.setattr(running, "find_here", lambda _id: None)

    def broken(ids: Any) -> dict[Any, Generation]:
        raise OSError("no database")

    monkeypatch.setattr(rows, "_read", broken)
    for found in await asyncio.gather(
        *(_followed(generation_id) for _ in range(3)), return_exceptions=True
    ):
        assert isinstance(found, OSError)
    await running.shutdown()


async def test_a_check_that_fails_ends_nobody(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def broken(_identities: Any) -> dict[Any, Any]:
        loop.call_soon_threadsafe(checked.set)
        raise OSError("no database")

    monkeypatch.setattr(long_answers, "lapsed", broken)
    go_on = asyncio.Event()
    script.reset("Half", go_on, " and half.")
    reading = asyncio.create_task(rest(await Client(chat.user).stream(chat)))
    await checked.wait()
    go_on.set()
    body, _ = await reading
    assert parse(body)[-1].name == "done"
