"""Wherever a reader comes in, what it has and what it gets make the whole text."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.models import Chat, Generation
from chat.replies.buffer import ReplyBuffer
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from chat.replies.tail import Chunk, tail
from intellispark.text import has_visible
from tests.support.factories import set_tokens
from tests.support.replies import Client, text_of, until
from tests.support.scripted import Script

texts = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("🌍👩‍🚀你好é\n")), min_size=1
)


@given(chunks=st.lists(texts, min_size=1, max_size=8), data=st.data())
def test_a_log_read_from_any_offset_gives_the_rest(chunks: list[str], data: st.DataObject) -> None:
    whole = "".join(chunks)
    offset = data.draw(st.integers(0, len(whole)))

    async def scenario() -> str:
        log = ReplyBuffer()
        got: list[str] = []

        async def reader() -> None:
            at = offset
            while True:
                if len(log.text) > at:
                    got.append(log.text[at:])
                    at = len(log.text)
                elif log.ended:
                    return
                else:
                    await log.wait_beyond(at, revision=0, timeout=5)

        reading = asyncio.create_task(reader())
        for chunk in chunks:
            log.append(chunk)
            await asyncio.sleep(0)
        log.end()
        await reading
        return "".join(got)

    assert asyncio.run(scenario()) == whole[offset:]


@pytest.mark.django_db
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=texts.filter(str.isprintable).filter(has_visible), data=st.data())
def test_a_finished_reply_resumed_anywhere_is_the_whole_text(
    chat: Chat, script: Script, text: str, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.rows.in_thread", _in_place)
    set_tokens(chat.user, 1)
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."})
    finish_generation(
        generation_id=generation.pk,
        chat_id=chat.pk,
        outcome=Outcome(Generation.Status.COMPLETE, text),
    )
    offset = data.draw(st.integers(0, len(text) + 3))

    async def rest() -> tuple[str, Generation]:
        items = [item async for item in tail(generation.pk, offset)]
        chunks = [item for item in items if isinstance(item, Chunk)]
        assert not chunks or chunks[-1].end == len(text)
        return "".join(chunk.text for chunk in chunks), items[-1]  # type: ignore[return-value]

    got, finished = async_to_sync(rest)()
    assert text[:offset] + got == text
    assert finished.message is not None
    assert finished.message.content == text


def _in_place(work):
    """The test's transaction is visible to its own thread only."""

    async def run(*args: object, **kwargs: object) -> object:
        from asgiref.sync import sync_to_async

        return await sync_to_async(work)(*args, **kwargs)

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("script", "assert_ledger")
class TestStreams:
    async def test_last_event_id_resumes_in_mid_stream(self, chat: Chat, script: Script) -> None:
        go_on = asyncio.Event()
        script.reset("一🌍二", go_on, "三👩‍🚀四")
        whole = "一🌍二三👩‍🚀四"
        client = Client(chat.user)
        generation_id = await client.promise(chat)
        await script.reached.wait()
        offsets = [0, 1, 2, 3]
        readers = [asyncio.create_task(client.events(generation_id, n)) for n in offsets]
        await asyncio.sleep(0.1)
        go_on.set()
        for offset, reader in zip(offsets, readers, strict=True):
            events = await reader
            assert text_of(events) == whole[offset:]
            assert events[0].id == offset
            assert events[-1].id == len(whole)
            assert events[-1].name == "done"

    async def test_every_resume_of_a_finished_reply_gets_the_closing_event(
        self, chat: Chat
    ) -> None:
        client = Client(chat.user)
        generation_id = await client.promise(chat)
        await client.events(generation_id)
        for last_id in (None, 0, 5, 12, 999):
            events = await client.events(generation_id, last_id)
            assert events[0].name == "start"
            assert "Hello there."[: last_id or 0] + text_of(events) == "Hello there."
            assert events[-1].name == "done"
            assert events[-1].data["message"]["content"] == "Hello there."

    @pytest.mark.parametrize("last_id", ["", "x", "-1", "²", "9" * 40])
    async def test_nonsense_for_an_offset_starts_at_the_beginning(
        self, chat: Chat, last_id: str
    ) -> None:
        client = Client(chat.user)
        generation_id = await client.promise(chat)
        path = f"/api/generations/{generation_id}/events"
        response = await client.get(path, **{"last-event-id": last_id})
        assert response.status_code == 200
        body = "".join([part.decode() async for part in response.streaming_content])
        assert body.startswith("id: 0\n")
        assert "event: done" in body

    async def test_what_another_process_writes_is_followed_by_its_row(
        self, chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = asyncio.Event()
        script.reset("Seen ", go_on, "from afar.")
        client = Client(chat.user)
        generation_id = await client.promise(chat)
        await script.reached.wait()
        monkeypatch.setattr("chat.replies.running.find_here", lambda _id: None)
        watching = asyncio.create_task(client.events(generation_id))
        await until(lambda found: found.messages[-1].content == "Seen ", chat)  # a checkpoint
        go_on.set()
        events = await watching
        assert text_of(events) == "Seen from afar."
        assert events[-1].name == "done"

    async def test_a_quiet_stream_says_that_it_lives(
        self, chat: Chat, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chat.replies.tail.HEARTBEAT_SECS", 0.05)
        go_on = asyncio.Event()
        script.reset(go_on, "At last.")
        response = await Client(chat.user).stream(chat)
        signs = 0
        async for part in response.streaming_content:
            signs += part.startswith(b":")
            if signs == 2:
                go_on.set()
        assert signs >= 2
        assert b"event: done" in part

    async def test_a_reload_in_mid_stream_finds_where_to_listen(
        self, chat: Chat, script: Script
    ) -> None:
        go_on = asyncio.Event()
        script.reset("Growing", go_on)
        client = Client(chat.user)
        generation_id = await client.promise(chat)
        await script.reached.wait()
        page = (await client.get(f"/api/chats/{chat.pk}/messages")).json()
        assert page["results"][-1]["status"] == "streaming"
        assert page["results"][-1]["generation_id"] == str(generation_id)
        assert (await client.state(generation_id))["message"]["content"] == "Growing"
        go_on.set()
        await client.events(generation_id)
