"""More open streams than the pool has connections: nobody holds one while waiting for text."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from chat.conversations.chats import create_chat
from chat.models import Character, Chat, Generation
from intellispark.accounts.tokens import issue
from payments.ledger.balance import snapshot
from tests.support.factories import make_user
from tests.support.openai_peer import HOLD, Answer, Peer, chunk
from tests.support.server import PATIENT, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]

PEOPLE = 4
EACH = 7  # a person may have 8
STREAMS = PEOPLE * EACH  # the pool has 20


def test_the_server_still_answers(character: Character) -> None:
    people = [make_user(tokens=EACH) for _ in range(PEOPLE)]
    access = {person.pk: issue(person)["access"] for person in people}
    chats = [
        create_chat(user=person, character_id=character.pk)
        for person in people
        for _ in range(EACH)
    ]

    def call(url: str, user_id: UUID, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers |= {
            "Authorization": f"Bearer {access[user_id]}",
            "Content-Type": "application/json",
        }
        return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120)

    def open_stream(chat: Chat) -> Any:
        url = f"{server.url}/api/chats/{chat.pk}/generate"
        stream = call(url, chat.user_id, {"content": "Hi."}, Accept="text/event-stream")
        while b"event: delta" not in stream.readline():
            pass
        return stream

    peer = Peer(Answer([chunk("Once "), HOLD]))
    with peer, Server(**PATIENT, OPENAI_BASE_URL=peer.url) as server:
        with ThreadPoolExecutor(STREAMS) as threads:
            streams = list(threads.map(open_stream, chats))
        assert [snapshot(person.pk)["held"] for person in people] == [EACH] * PEOPLE
        with call(f"{server.url}/api/chats", people[0].pk) as response:
            assert response.status == 200
        assert server.stop() == 0
        for stream in streams:
            assert b"event: error" in stream.read()
    assert not Generation.objects.running().exists()
    assert [snapshot(person.pk)["held"] for person in people] == [0] * PEOPLE
