"""The server is killed in mid-stream, and started again."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from chat.models import Chat, Generation
from intellispark.accounts.tokens import issue
from payments.audit.verify import differences
from payments.ledger.balance import snapshot
from tests.support.openai_peer import HOLD, Answer, Peer, chunk
from tests.support.replies import parse
from tests.support.server import PATIENT, Server

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


def call(url: str, access: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url,
        data,
        {"Authorization": f"Bearer {access}", "Content-Type": "application/json", **headers},
    )
    return urllib.request.urlopen(request, timeout=120)


def until_flushed(chat: Chat, text: str) -> Generation:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = Generation.objects.select_related("message").filter(chat=chat).first()
        if found and found.message and found.message.content == text:
            return found
        time.sleep(0.1)
    raise AssertionError("no checkpoint came")


def test_killed_in_mid_stream_the_tokens_come_back_and_the_text_stays(chat: Chat) -> None:
    access = issue(chat.user)["access"]
    with Peer(Answer([chunk("Once upon "), chunk("a time 🌍"), HOLD])) as peer:
        provider = {**PATIENT, "OPENAI_BASE_URL": peer.url}
        with Server(**provider) as server:
            path = f"{server.url}/api/chats/{chat.pk}/generate"
            response = call(path, access, {"content": "A story."}, Prefer="respond-async")
            assert response.status == 202
            generation = until_flushed(chat, "Once upon a time 🌍")
            assert snapshot(chat.user_id)["held"] == 1
            server.kill()
    assert snapshot(chat.user_id)["held"] == 1
    if settings.REDIS_URL:  # not known to be the only process: the lease must lapse first
        past = timezone.now() - timedelta(seconds=1)
        Generation.objects.filter(pk=generation.pk).update(lease_expires_at=past)
    with Server() as server:
        generation.refresh_from_db()
        assert generation.status == "interrupted"
        assert generation.message is not None
        assert generation.message.content == "Once upon a time 🌍"
        assert generation.message.status == "interrupted"
        balance = snapshot(chat.user_id)
        assert (balance["balance"], balance["held"]) == (3, 0)
        assert list(differences()) == []
        url = f"{server.url}/api/generations/{generation.pk}/events"
        events = parse(call(url, access, **{"Last-Event-ID": "4"}).read().decode())
        assert "".join(e.data["text"] for e in events if e.name == "delta") == " upon a time 🌍"
        assert events[-1].name == "error"
        assert events[-1].data["error"]["code"] == "interrupted"
        assert events[-1].data["balance"]["available"] == 3
        tokens = json.load(call(f"{server.url}/api/payment/user/tokens", access))
        assert tokens["available"] == 3


def test_stopped_politely_it_settles_before_it_goes(chat: Chat) -> None:
    access = issue(chat.user)["access"]
    with Peer(Answer([chunk("Once "), HOLD])) as peer:
        with Server(**PATIENT, OPENAI_BASE_URL=peer.url) as server:
            path = f"{server.url}/api/chats/{chat.pk}/generate"
            call(path, access, {"content": "A story."}, Prefer="respond-async")
            until_flushed(chat, "Once ")
            assert server.stop() == 0
        assert peer.closed_by_client.wait(60)
    generation = Generation.objects.get(chat=chat)
    assert generation.status == "interrupted"
    assert snapshot(chat.user_id)["held"] == 0


def test_a_stop_over_http_closes_the_upstream_response(chat: Chat) -> None:
    access = issue(chat.user)["access"]
    peer = Peer(Answer([chunk("Once "), HOLD]))
    with peer, Server(**PATIENT, OPENAI_BASE_URL=peer.url) as server:
        path = f"{server.url}/api/chats/{chat.pk}/generate"
        stream = call(path, access, {"content": "A story."}, Accept="text/event-stream")
        first = stream.readline() + stream.readline() + stream.readline()
        start = json.loads(first.decode().split("data: ")[1])
        while b"event: delta" not in stream.readline():
            pass
        url = f"{server.url}/api/generations/{start['generation_id']}/stop"
        assert call(url, access, {}).status == 202
        assert b"event: stopped" in stream.read()
        assert peer.closed_by_client.wait(60)
    balance = snapshot(chat.user_id)
    assert (balance["balance"], balance["held"]) == (2, 0)
