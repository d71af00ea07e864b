"""A database that is full of messages gets the columns, and its replies are rendered when read."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.conversations.messages import message_page
from chat.models import Chat, Message

BEFORE, AFTER = [("chat", "0001_initial")], [("chat", "0002_message_html")]
COLUMNS = "id, number, role, content, status, created_at, chat_id, parent_id"


@pytest.mark.django_db(transaction=True)
def test_replies_from_before_the_columns_are_kept_and_rendered_when_read(chat: Chat) -> None:
    asked = Message.objects.create(chat=chat, number=2, role="user", content="*asked*")
    Message.objects.create(chat=chat, number=3, role="assistant", content="*said*", parent=asked)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("chat")
    try:
        MigrationExecutor(connection).migrate(BEFORE)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {COLUMNS} FROM chat_message ORDER BY number")
            before = cursor.fetchall()
        MigrationExecutor(connection).migrate(AFTER)
    finally:
        MigrationExecutor(connection).migrate(latest)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM chat_message ORDER BY number")
        assert cursor.fetchall() == before
        # A process of the version before writes rows that name none of the new columns.
        cursor.execute(
            f"INSERT INTO chat_message ({COLUMNS}) SELECT %s, 4, 'user', 'old', status, created_at,"
            " chat_id, NULL FROM chat_message WHERE number = 2",
            ["0" * 31 + "1"],
        )
    assert set(Message.objects.values_list("content_html", "html_version")) == {("", 0)}
    shown, _ = message_page(chat=chat, limit=10)
    assert [message.content_html for message in shown][1:3] == [
        "",
        '<p dir="auto"><em>said</em></p>\n',
    ]
