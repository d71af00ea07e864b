"""More open streams than the pool has connections: nobody holds one while waiting for text."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chat.conversations.chats import create_chat
from chat.models import Character, Generation
from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue
from payments.ledger.balance import snapshot
from tests.support.factories import set_tokens
from tests.support.openai_peer import HOLD, Answer, Peer, chunk
from tests.support.server import PATIENT, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]

STREAMS = 26  # the pool has 20


def test_the_server_still_answers(owner: User, character: Character) -> None:
    set_tokens(owner, STREAMS)
    chats = [create_chat(user=owner, character_id=character.pk) for _ in range(STREAMS)]
    access = issue(owner)["access"]

    def call(url: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers |= {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120)

    def open_stream(url: str) -> Any:
        stream = call(url, {"content": "Hi."}, Accept="text/event-stream")
        while b"event: delta" not in stream.readline():
            pass
        return stream

    peer = Peer(Answer([chunk("Once "), HOLD]))
    with peer, Server(**PATIENT, OPENAI_BASE_URL=peer.url) as server:
        urls = [f"{server.url}/api/chats/{chat.pk}/generate" for chat in chats]
        with ThreadPoolExecutor(STREAMS) as threads:
            streams = list(threads.map(open_stream, urls))
        assert snapshot(owner.pk)["held"] == STREAMS
        with call(f"{server.url}/api/chats") as response:
            assert response.status == 200
        assert server.stop() == 0
        for stream in streams:
            assert b"event: error" in stream.read()
    assert not Generation.objects.running().exists()
    assert snapshot(owner.pk)["held"] == 0
