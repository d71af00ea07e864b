"""A database that is full of chats forgets the titles that nobody gave."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import override

from chat.conversations.chats import create_chat, rename_chat
from chat.models import Character, CharacterText, Chat
from intellispark.accounts.models import User

BEFORE, AFTER = [("chat", "0002_message_html")], [("chat", "0004_forget_titles_that_are_names")]


def titles() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT title FROM chat_chat ORDER BY created_at")
        return [title for (title,) in cursor.fetchall()]


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_titles_that_are_the_characters_name_follow_the_language(
    owner: User, character: Character
) -> None:
    CharacterText.objects.create(character=character, language="zh-hans", name="米拉")
    english, chinese, own = (create_chat(user=owner, character_id=character.pk) for _ in range(3))
    Chat.objects.filter(pk=chinese.pk).update(language="zh-hans")
    rename_chat(chat=own, title="Evenings")
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("chat")
    try:
        MigrationExecutor(connection).migrate(BEFORE)
        assert titles() == ["Mira", "米拉", "Evenings"]
        MigrationExecutor(connection).migrate(AFTER)
        assert titles() == ["", "", "Evenings"]
    finally:
        MigrationExecutor(connection).migrate(latest)
    for language, name in (("en", "Mira"), ("zh-hans", "米拉")):
        with override(language):
            shown = [chat.title for chat in Chat.objects.order_by("created_at")]
            assert shown == [name, name, "Evenings"]
    assert Chat.objects.get(pk=english.pk).given_title == ""
