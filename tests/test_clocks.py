"""Machines disagree on the time: what one has dated, another judges by the database's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt import tokens as simplejwt

from chat.models import Chat, Generation
from chat.replies.checkpoint import Instruction, checkpoint
from chat.replies.lease import LEASE_SECS
from chat.replies.recover import recover_orphans
from chat.replies.start import start
from intellispark.accounts import tokens
from intellispark.accounts.models import User
from intellispark.db import ago
from intellispark.housekeeping import run_pass
from tests.chat.conftest import character, chat, owner, script

__all__ = ["character", "chat", "owner", "script"]
pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("script", "assert_ledger"),
]
now = timezone.now

Machine = Callable[[timedelta], None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """`machine(by)`: from here on, the code runs on one whose clock is ahead by that much."""

    def use(by: timedelta) -> None:
        def wrong() -> datetime:
            return now() + by

        monkeypatch.setattr(timezone, "now", wrong)
        monkeypatch.setattr(simplejwt, "aware_utcnow", wrong)

    return use


AHEAD = timedelta(seconds=LEASE_SECS + 5)
RIGHT = timedelta()


def begin(chat: Chat) -> Generation:
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}, key="k")
    return Generation.objects.get(pk=generation.pk)


@pytest.mark.parametrize("writer", [-AHEAD, RIGHT, AHEAD])
@pytest.mark.parametrize("judge", [-AHEAD, RIGHT, AHEAD])
def test_a_healthy_reply_is_left_alone_whatever_the_clocks_say(
    chat: Chat, machine: Machine, writer: timedelta, judge: timedelta
) -> None:
    machine(writer)
    generation = begin(chat)
    machine(judge)
    assert recover_orphans() == 0
    Generation.objects.update(lease_expires_at=ago(timedelta(seconds=1)))
    machine(writer)
    assert generation.message_id
    instruction = checkpoint(
        generation_id=generation.pk, message_id=generation.message_id, text="Half", renew=True
    )
    assert instruction is Instruction.CONTINUE
    machine(judge)
    assert recover_orphans() == 0


@pytest.mark.parametrize("judge", [-AHEAD, RIGHT, AHEAD])
def test_a_lapsed_lease_is_settled_whatever_the_clock_says(
    chat: Chat, machine: Machine, judge: timedelta
) -> None:
    begin(chat)
    Generation.objects.update(lease_expires_at=ago(timedelta(seconds=1)), owner="gone")
    machine(judge)
    assert recover_orphans() == 1


@pytest.mark.parametrize("by", [-AHEAD, AHEAD])
def test_a_token_of_another_machine_is_good_at_once(
    alice: User, machine: Machine, by: timedelta
) -> None:
    machine(by)
    pair = tokens.issue(alice)
    machine(RIGHT)
    headers = {"Authorization": f"Bearer {pair['access']}"}
    assert Client().get("/api/auth/me", headers=headers).status_code == 200
    assert tokens.rotate(pair["refresh"])


def test_a_repeated_request_is_known_whatever_the_clock_says(chat: Chat, machine: Machine) -> None:
    generation = begin(chat)
    machine(timedelta(days=2))
    assert run_pass()["idempotency_keys_forgotten"] == 0
    again, request = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}, key="k")
    assert (again.pk, request) == (generation.pk, None)
