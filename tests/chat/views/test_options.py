"""Renaming and deleting a chat by pages, for those without scripts."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from chat.conversations.chats import create_chat
from chat.models import Chat
from intellispark.accounts.models import User
from tests.support.factories import make_character

NAMES = ["rename-chat", "delete-chat"]


@pytest.fixture
def chat(alice: User) -> Chat:
    return create_chat(user=alice, character_id=make_character("Mira").pk)


@pytest.mark.parametrize("name", NAMES)
def test_somebody_elses_chat_is_not_found(client: Client, chat: Chat, bob: User, name: str) -> None:
    path = reverse(name, args=[chat.pk])
    for answer in (client.get(path), client.post(path, {"title": "Mine"})):
        assert answer["Location"] == f"{reverse('account_login')}?next={path}"
    client.force_login(bob)
    for answer in (client.get(path), client.post(path, {"title": "Mine"})):
        assert answer.status_code == 404
    assert Chat.objects.get().given_title == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_visit_changes_nothing_and_a_form_of_another_site_neither(
    alice: User, chat: Chat, name: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    page = client.get(reverse(name, args=[chat.pk]))
    assert page.status_code == 200
    assert "Mira" in page.content.decode()
    assert client.post(reverse(name, args=[chat.pk]), {"title": "Mine"}).status_code == 403
    assert Chat.objects.get().given_title == ""


@pytest.mark.parametrize("title", ["", "   ", "\u200b", "x" * 121])
def test_a_title_that_is_none_is_refused(
    client: Client, alice: User, chat: Chat, title: str
) -> None:
    client.force_login(alice)
    answer = client.post(reverse("rename-chat", args=[chat.pk]), {"title": title})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "autofocus" in answer.content.decode()
    assert Chat.objects.get().given_title == ""


def test_every_menu_leads_to_the_questions(client: Client, alice: User, chat: Chat) -> None:
    client.force_login(alice)
    for page in (reverse("chats"), chat.get_absolute_url()):
        html = client.get(page).content.decode()
        for name in NAMES:
            assert f'formaction="{reverse(name, args=[chat.pk])}"' in html
