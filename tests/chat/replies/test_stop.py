"""Stop: what was said is kept, nothing more is said, and it is charged once or not at all."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat.models import Chat, Generation
from chat.replies import running
from chat.replies.run import Run
from tests.support.replies import Client, facts, read, until
from tests.support.scripted import Script

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]


async def test_after_visible_text_it_is_captured_and_kept(chat: Chat, script: Script) -> None:
    script.reset("Half", asyncio.Event(), " never said")
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await script.reached.wait()
    response = await client.stop(generation_id)
    assert response.status_code == 202
    events = await client.events(generation_id)
    assert events[-1].name == "stopped"
    assert events[-1].data["message"]["content"] == "Half"
    assert events[-1].data["message"]["status"] == "stopped"
    assert events[-1].data["receipt"]["tokens"] == 1
    assert events[-1].data["balance"]["balance"] == 2
    assert script.closed == 1
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)


async def test_before_visible_text_it_is_released_and_leaves_no_message(
    chat: Chat, script: Script
) -> None:
    script.reset("<think>hm", asyncio.Event(), "</think> never said")
    client = Client(chat.user)
    waiting = asyncio.create_task(client.generate(chat, key="k"))
    await script.reached.wait()
    generation = (await facts(chat)).generations[0]
    assert (await client.stop(generation.pk)).status_code == 202
    answer = await waiting
    assert answer.status_code == 200
    assert answer.json()["message"] is None
    assert answer.json()["receipt"] is None
    assert answer.json()["balance"]["available"] == 3
    found = await facts(chat)
    assert (found.balance, found.held, len(found.messages)) == (3, 0, 2)
    assert found.generations[0].status == "stopped"


async def test_stopped_at_once_it_settles(chat: Chat, script: Script) -> None:
    script.reset(asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    assert (await client.stop(generation_id)).status_code == 202
    events = await client.events(generation_id)
    assert events[-1].name == "stopped"
    assert (await facts(chat)).balance == 3


async def test_twice_and_too_late_change_nothing(chat: Chat, script: Script) -> None:
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await script.reached.wait()
    answers = await asyncio.gather(*(client.stop(generation_id) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    await client.events(generation_id)
    late = await client.stop(generation_id)
    assert late.status_code == 202
    assert late.json()["generation"]["status"] == "stopped"
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)


async def test_the_text_does_not_grow_after_the_answer(chat: Chat, script: Script) -> None:
    said = asyncio.Event()
    said.set()
    script.reset("word ", said, *["word ", 0.001] * 10_000)
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await script.reached.wait()
    response = await client.stop(generation_id)
    seen = response.json()["generation"]["message"]["content"]
    events = await client.events(generation_id)
    assert seen
    assert events[-1].data["message"]["content"] == seen


async def test_a_stop_from_another_process_arrives_by_the_row(chat: Chat, script: Script) -> None:
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await script.reached.wait()
    row = Generation.objects.filter(pk=generation_id)
    await row.aupdate(stop_requested_at=timezone.now())
    async with asyncio.timeout(60):
        events = await client.events(generation_id)
    assert events[-1].name == "stopped"
    assert events[-1].data["receipt"]["tokens"] == 1


@pytest.mark.parametrize("pause", [0, 0.001, 0.003, 0.01, 0.03])
async def test_stop_against_finish_settles_once(chat: Chat, script: Script, pause: float) -> None:
    script.reset("Quick.", pause)
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await client.stop(generation_id)
    events = await client.events(generation_id)
    assert events[-1].name in ("done", "stopped")
    found = await facts(chat)
    assert found.held == 0
    assert found.balance == (2 if events[-1].data["receipt"] else 3)
    assert bool(events[-1].data["receipt"]) == bool(events[-1].data["message"])


async def test_delete_stops_and_settles_first(chat: Chat, script: Script) -> None:
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    watching = asyncio.create_task(read(await client.stream(chat)))
    await script.reached.wait()
    assert (await client.send("delete", f"/api/chats/{chat.pk}")).status_code == 204
    events = await watching
    assert events[-1].name == "stopped"
    assert events[-1].data["receipt"]["tokens"] == 1
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)
    assert found.generations == []
    assert (await client.generate(chat)).status_code == 404
    assert (await client.send("delete", f"/api/chats/{chat.pk}")).status_code == 404


async def test_the_first_text_is_in_the_row_at_once(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.run.CHECKPOINT_SECS", 3_600)
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    found = await until(lambda found: found.messages[-1].content == "Half", chat)
    assert found.messages[-1].status == "streaming", "not only at its end"
    await client.stop(generation_id)


async def test_delete_of_what_a_writer_that_hangs_has_written_settles_it_too(
    chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = asyncio.Event()  # until then the writer sees no request to stop
    over_within = Run._over_within
    looks = []

    async def when_told(run: Run, secs: float) -> bool:
        looks.append(run)
        if len(looks) > 1:
            await look.wait()
        return await over_within(run, secs)

    monkeypatch.setattr(Run, "_over_within", when_told)
    monkeypatch.setattr("chat.replies.control.SETTLE_SECS", 0.3)
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    await until(lambda found: found.messages[-1].content == "Half", chat)
    run = running.find(generation_id)
    assert run
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(running, "find", lambda _id: None)
        assert (await client.send("delete", f"/api/chats/{chat.pk}")).status_code == 204
    found = await facts(chat)
    assert (found.balance, found.held) == (2, 0)
    look.set()
    await asyncio.wait_for(sync_to_async(run.over.wait)(), 60)
    assert run.final is None
    assert (await facts(chat)).held == 0


@pytest.mark.parametrize("pause", [0, 0.002, 0.01, 0.03])
async def test_delete_against_finish_settles_once(chat: Chat, script: Script, pause: float) -> None:
    script.reset("Quick.", pause)
    client = Client(chat.user)
    generation_id = await client.promise(chat)
    response = await client.send("delete", f"/api/chats/{chat.pk}")
    assert response.status_code == 204
    await client.get(f"/api/generations/{generation_id}")
    found = await facts(chat)
    assert found.held == 0
    assert found.balance in (2, 3)


async def test_shutdown_interrupts_and_settles(chat: Chat, script: Script) -> None:
    script.reset("Half", asyncio.Event())
    client = Client(chat.user)
    generation_id = await client.promise(chat, key="k")
    await script.reached.wait()
    await running.shutdown()
    events = await client.events(generation_id)
    assert events[-1].name == "error"
    assert events[-1].data["error"]["code"] == "interrupted"
    assert events[-1].data["message"]["content"] == "Half"
    assert events[-1].data["message"]["status"] == "interrupted"
    found = await facts(chat)
    assert (found.balance, found.held) == (3, 0)
    assert script.closed == 1
    await running.shutdown()  # again, with nothing to do
    replay = await client.generate(chat, key="k")
    assert replay.status_code == 503
    assert replay.json()["error"]["code"] == "interrupted"
    assert replay["Retry-After"] == str(replay.json()["error"]["retry_after"])
