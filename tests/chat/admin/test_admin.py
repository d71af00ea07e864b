"""The admin shows how chats and replies go, and never what was said."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from chat.models import Character, Chat, Generation
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def generation(chat: Chat, script: object) -> Generation:
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "A secret."})
    outcome = Outcome(Generation.Status.COMPLETE, "Another secret.")
    found = finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    assert found
    return found


@pytest.mark.parametrize("model", ["chat", "generation"])
def test_metadata_only_and_read_only(admin: Client, generation: Generation, model: str) -> None:
    row = generation if model == "generation" else generation.chat
    paths = [
        reverse(f"admin:chat_{model}_changelist"),
        reverse(f"admin:chat_{model}_changelist") + "?q=owner",
        reverse(f"admin:chat_{model}_change", args=[row.pk]),
    ]
    for path in paths:
        response = admin.get(path)
        assert response.status_code == 200
        assert "secret" not in response.content.decode()
        assert "Hello there." not in response.content.decode()
    assert admin.post(paths[-1], {"title": "x"}).status_code == 403
    assert admin.get(reverse(f"admin:chat_{model}_delete", args=[row.pk])).status_code == 403
    assert admin.get(reverse(f"admin:chat_{model}_add")).status_code == 403


def test_messages_are_not_in_the_admin() -> None:
    from django.contrib import admin as django_admin

    from chat.models import Message

    assert not django_admin.site.is_registered(Message)


def test_characters_are_edited_with_their_texts(admin: Client, character: Character) -> None:
    call_command("load_characters", verbosity=0)
    response = admin.get(reverse("admin:chat_character_changelist") + "?q=Mira")
    assert response.status_code == 200
    page = admin.get(reverse("admin:chat_character_change", args=[character.pk]))
    assert "You are somebody to talk with." in page.content.decode()
    assert admin.get(reverse("admin:chat_category_changelist")).status_code == 200
