"""A process that went away: its tokens come back, its text stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone

from chat.conversations.chats import create_chat
from chat.models import Character, Chat, Generation, Message
from chat.replies import recover as recover_module
from chat.replies.lease import owner as this_process
from chat.replies.recover import recover, recover_orphans
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from intellispark.accounts.models import User
from payments.ledger.balance import snapshot

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("script", "assert_ledger"),
]


def abandon(chat: Chat, *, text: str = "", lapsed: bool = True) -> Generation:
    """A running generation of a process that is gone."""
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}, key="k")
    Message.objects.filter(pk=generation.message_id).update(content=text)
    end = timezone.now() + timedelta(seconds=-1 if lapsed else 900)
    Generation.objects.filter(pk=generation.pk).update(owner="gone", lease_expires_at=end)
    return Generation.objects.get(pk=generation.pk)


def test_what_was_flushed_is_kept_and_marked_interrupted(chat: Chat) -> None:
    generation = abandon(chat, text="So far")
    assert recover_orphans() == 1
    generation.refresh_from_db()
    assert generation.status == "interrupted"
    assert generation.message is not None
    assert (generation.message.content, generation.message.status) == ("So far", "interrupted")
    assert generation.capture is None
    balance = snapshot(chat.user_id)
    assert (balance["balance"], balance["held"]) == (3, 0)
    assert recover_orphans() == 0


def test_an_empty_reply_is_taken_away(chat: Chat) -> None:
    generation = abandon(chat)
    recover_orphans()
    generation.refresh_from_db()
    assert generation.message is None
    assert chat.messages.count() == 2


def test_a_living_lease_is_left_alone_unless_this_process_is_the_only_one(chat: Chat) -> None:
    generation = abandon(chat, lapsed=False)
    assert recover_orphans(sole_process=False) == 0
    assert recover_orphans(sole_process=True) == 1
    generation.refresh_from_db()
    assert generation.status == "interrupted"


def test_a_sole_process_leaves_its_own_alone(chat: Chat) -> None:
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."})
    assert generation.owner == this_process()
    assert recover_orphans(sole_process=True) == 0


def test_a_late_finisher_discards(chat: Chat) -> None:
    generation = abandon(chat, text="So far")
    recover_orphans()
    late = finish_generation(
        generation_id=generation.pk,
        chat_id=chat.pk,
        outcome=Outcome(Generation.Status.COMPLETE, "So far and further."),
        owner="gone",
    )
    assert late is None
    generation.refresh_from_db()
    assert generation.status == "interrupted"
    assert generation.message is not None
    assert generation.message.content == "So far"
    assert snapshot(chat.user_id)["balance"] == 3


def test_one_that_renewed_meanwhile_is_not_recovered(chat: Chat) -> None:
    seen = abandon(chat)
    Generation.objects.filter(pk=seen.pk).update(
        lease_expires_at=timezone.now() + timedelta(seconds=900)
    )
    assert recover(seen) is False
    assert Generation.objects.running().filter(pk=seen.pk).exists()


def test_a_new_reply_does_not_wait_for_housekeeping(chat: Chat) -> None:
    gone = abandon(chat, text="So far")
    generation, created = start(
        user=chat.user,
        chat_id=chat.pk,
        body={"content": "Again?"},
        key="k2",
    )
    assert created
    gone.refresh_from_db()
    assert gone.status == "interrupted"
    assert snapshot(chat.user_id)["held"] == 1
    assert generation.is_running


def test_one_that_cannot_be_settled_now_keeps_no_other_from_it(
    owner: User, character: Character, script: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = [create_chat(user=owner, character_id=character.pk) for _ in range(3)]
    second = [abandon(chat) for chat in chats][1]
    settle = recover_module.finish_generation

    def locked(*, generation_id: UUID, **rest: Any) -> Generation | None:
        if generation_id == second.pk:
            raise OperationalError("a lock was waited for too long")
        return settle(generation_id=generation_id, **rest)

    monkeypatch.setattr(recover_module, "finish_generation", locked)
    assert recover_orphans() == 2
    running = Generation.objects.running().values_list("pk", flat=True)
    assert list(running) == [second.pk]
