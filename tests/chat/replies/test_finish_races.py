"""Everybody who may end a reply does so at once: one wins, and the hold is settled once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.models import Chat, Generation
from chat.replies.recover import recover_orphans
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from payments.ledger.balance import snapshot
from payments.models import LedgerEntry
from tests.support.threads import at_once

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("script", "assert_ledger"),
]


@pytest.mark.parametrize("attempt", range(3))
def test_capture_release_and_lapse_race_for_a_hold_and_one_wins(chat: Chat, attempt: int) -> None:
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}, key="k")
    before = snapshot(chat.user_id)["balance"]
    Generation.objects.filter(pk=generation.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )

    def finish(number: int) -> bool:
        if number % 3 == 0:
            return recover_orphans() == 1
        status = "complete" if number % 3 == 1 else "failed"
        outcome = Outcome(Generation.Status(status), "A reply.")
        ended = finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
        return ended is not None

    assert sorted(at_once(9, finish)) == [False] * 8 + [True]
    generation.refresh_from_db()
    (end,) = LedgerEntry.objects.filter(hold_id=generation.hold_id)
    assert end.kind == ("capture" if generation.status == "complete" else "release")
    found = snapshot(chat.user_id)
    assert (found["held"], before - found["balance"]) == (0, -end.amount)
