"""What the tap counts is what was sent, prepared or not."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from tests.bench.statements_tap import named, tapped


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (
            'SELECT "a"."id" FROM "chat_chat" WHERE 1 FOR NO KEY UPDATE',
            "SELECT chat_chat FOR NO KEY UPDATE",
        ),
        ('INSERT INTO "chat_message" ("id") VALUES (1) RETURNING "id"', "INSERT chat_message"),
        ("UPDATE chat_chat SET x = 1", "UPDATE chat_chat"),
        ('DELETE FROM "api_idempotencykey" WHERE 1', "DELETE api_idempotencykey"),
        ("SELECT clock_timestamp()", "SELECT"),
        ('SAVEPOINT "s1_x2"', "SAVEPOINT"),
        ('RELEASE SAVEPOINT "s1_x2"', "RELEASE SAVEPOINT"),
        ("BEGIN", "BEGIN"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(sql: str, name: str) -> None:
    assert named(sql) == name


@pytest.mark.postgresql
async def test_it_counts_what_a_client_sends() -> None:
    parts = connection.settings_dict
    user = f"{parts['USER']}:{parts['PASSWORD']}" if parts["PASSWORD"] else parts["USER"]
    url = f"postgres://{user}@{parts['HOST']}:{parts['PORT'] or 5432}/postgres"
    async with tapped(url) as (tap, through):
        client = await psycopg.AsyncConnection.connect(through, prepare_threshold=1)
        for number in range(3):  # plain first, then prepared
            await client.execute("SELECT relname FROM pg_class WHERE relpages > %s", [number])
        await client.commit()
        await client.close()
    assert tap.take() == {"BEGIN": 1, "SELECT pg_class": 3, "COMMIT": 1}
    assert tap.take() == {}
