"""How many statements a reply takes: what it waits for grows with them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Chat, Generation
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def names(queries: CaptureQueriesContext) -> list[str]:
    """The verb and the first table of each; of a transaction of ours only what is within."""
    found = []
    for query in queries:
        verb, *rest = query["sql"].replace('"', "").split()
        table = next((word for word in rest if word.startswith(("chat_", "api_", "payments_"))), "")
        found.append(f"{verb} {table.partition('.')[0]}".strip())
    return found


def test_a_reply_starts_and_ends_in_twenty_statements(chat: Chat) -> None:
    with CaptureQueriesContext(connection) as starting:
        generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."}, key="k")
    assert names(starting)[1:-1] == [
        "INSERT api_idempotencykey",
        "SELECT chat_chat",
        "SELECT chat_generation",
        "INSERT chat_message",
        "UPDATE chat_chat",
        "SELECT chat_charactertext",
        "SELECT chat_message",
        "SAVEPOINT",
        "INSERT payments_ledgerentry",
        "RELEASE",
        "INSERT chat_generation",
    ]
    outcome = Outcome(Generation.Status.COMPLETE, "Hello.")
    with CaptureQueriesContext(connection) as ending:
        finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    assert names(ending)[1:-1] == [
        "SELECT chat_generation",
        "SAVEPOINT",
        "INSERT payments_ledgerentry",
        "RELEASE",
        "UPDATE chat_generation",
        "UPDATE chat_message",
        "UPDATE chat_chat",
    ]
