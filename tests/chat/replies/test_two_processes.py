"""One process writes a reply, another one deletes its chat: what was read is charged."""

from __future__ import annotations

import pytest

from chat.models import Chat, Generation
from chat.replies.deletion import delete_chat
from intellispark.accounts.tokens import issue
from payments.audit.verify import differences
from payments.ledger.balance import snapshot
from tests.chat.replies.test_crash import call
from tests.support.openai_peer import HOLD, Answer, Peer, chunk
from tests.support.replies import parse
from tests.support.server import PATIENT, Server

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


def test_deletion_settles_by_what_was_written_wherever_it_is_written(chat: Chat) -> None:
    access = issue(chat.user)["access"]
    peer = Peer(Answer([chunk("A whole answer."), HOLD]))
    with peer, Server(**PATIENT, OPENAI_BASE_URL=peer.url) as server:
        path = f"{server.url}/api/chats/{chat.pk}/generate"
        stream = call(path, access, {"content": "A story."}, Accept="text/event-stream")
        read = b""
        while b"A whole answer." not in read:
            read += stream.readline()
        delete_chat(chat=chat)
        balance = snapshot(chat.user_id)
        assert (balance["balance"], balance["held"]) == (2, 0)
        closing = parse((read + stream.read()).decode())[-1]
        assert closing.name == "stopped", "its reader is told, as of every stop"
        assert closing.data["balance"]["available"] == 2
        assert peer.closed_by_client.wait(60)
    assert not Generation.objects.exists()
    assert list(differences()) == []
