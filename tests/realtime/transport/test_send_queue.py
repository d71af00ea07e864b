"""What a client that is slow, or reads nothing, is told, and when it is given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.events import as_message
from intellispark.realtime.transport.send_queue import SLOTS, SendQueue


class Connection:
    """A client whose reading the test decides."""

    def __init__(self) -> None:
        self.writable = True
        self.sent: list[dict[str, Any]] = []

    def open(self, paused: Callable[[], None], resumed: Callable[[], None]) -> None:
        self.paused, self.resumed = paused, resumed

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def close(self, code: int) -> None: ...

    def pause(self) -> None:
        self.writable = False
        self.paused()

    def resume(self) -> None:
        self.writable = True
        self.resumed()


def changed(version: int, *ops: str, epoch: int = 1) -> dict[str, Any]:
    frame = {"type": "balance.changed", "epoch": epoch, "version": version, "ops": [*ops]}
    return as_message(frame)


def deleted(chat_id: int) -> dict[str, Any]:
    return as_message({"type": "chat.deleted", "chat_id": str(chat_id)})


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  timers ring no bell
            await asyncio.sleep(0.01)


@pytest.fixture
def line() -> Connection:
    return Connection()


@pytest.fixture
async def send_queue(line: Connection) -> SendQueue:
    box = SendQueue(line, lambda code: line.sent.append({"gave_up": code}))
    box.start(as_message({"type": "balance.snapshot", "epoch": 1, "version": 1, "ops": []}))
    line.sent.clear()
    return box


async def test_a_frame_goes_straight_out(line: Connection, send_queue: SendQueue) -> None:
    send_queue.offer(changed(2, "a"))
    assert [frame["version"] for frame in line.sent] == [2]


async def test_what_comes_before_the_first_frame_waits_for_it(line: Connection) -> None:
    send_queue = SendQueue(line, lambda code: None)
    send_queue.offer(changed(2, "a"))
    send_queue.offer(deleted(1))
    send_queue.start(
        as_message({"type": "balance.snapshot", "epoch": 1, "version": 2, "ops": ["a"]})
    )
    assert [frame["type"] for frame in line.sent] == ["balance.snapshot", "chat.deleted"]


async def test_what_is_newer_than_the_first_frame_follows_it(line: Connection) -> None:
    send_queue = SendQueue(line, lambda code: None)
    send_queue.offer(changed(3, "b"))
    send_queue.start(as_message({"type": "balance.snapshot", "epoch": 1, "version": 2, "ops": []}))
    assert [frame["version"] for frame in line.sent] == [2, 3]


async def test_at_most_twenty_frames_a_second_and_the_newest_always(
    line: Connection, send_queue: SendQueue
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(2, 502):
        send_queue.offer(changed(number, f"op{number}"))
        await asyncio.sleep(0.002)
    await until(lambda: line.sent[-1]["version"] == 501)
    secs = loop.time() - began
    versions = [frame["version"] for frame in line.sent]
    assert versions == sorted(versions)
    assert len(versions) <= 4 + 16 * secs
    assert sum(len(frame["ops"]) for frame in line.sent) == 500, "an op was lost or came twice"


async def test_a_client_that_reads_nothing_gets_one_frame_when_it_reads_again(
    line: Connection, send_queue: SendQueue
) -> None:
    line.pause()
    for number in range(2, 1_000):
        send_queue.offer(changed(number, "a" if number == 2 else "b"))
        send_queue.offer(deleted(number % 3))
    assert line.sent == []
    line.resume()
    await until(lambda: len(line.sent) >= 4)
    balances = [frame for frame in line.sent if frame["type"] == "balance.changed"]
    assert [(frame["version"], frame["ops"]) for frame in balances] == [(999, ["a", "b"])]
    assert {frame["chat_id"] for frame in line.sent if "chat_id" in frame} == {"0", "1", "2"}


async def test_of_two_that_wait_the_newer_stays_whatever_came_last(
    line: Connection, send_queue: SendQueue
) -> None:
    line.pause()
    send_queue.offer(changed(5, "b"))
    send_queue.offer(changed(4, "a"))
    send_queue.offer(changed(2, "c", epoch=2))
    line.resume()
    await until(lambda: line.sent)
    assert [(f["epoch"], f["version"], f["ops"]) for f in line.sent] == [(2, 2, ["b", "a", "c"])]


async def test_a_client_that_stays_away_is_given_up(
    line: Connection, send_queue: SendQueue, settings: Any
) -> None:
    settings.SOCKET_STALL_SECS = 0.1
    line.pause()
    send_queue.offer(changed(2))
    await until(lambda: line.sent)
    assert line.sent == [{"gave_up": CloseCode.TOO_SLOW}]


async def test_a_client_too_far_behind_begins_again(
    line: Connection, send_queue: SendQueue
) -> None:
    line.pause()
    for number in range(SLOTS + 1):
        send_queue.offer(deleted(number))
    assert line.sent == [{"gave_up": CloseCode.RESYNC}]
    send_queue.stop()
