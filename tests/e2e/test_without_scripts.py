"""What works where scripts do not run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chat.conversations.chats import create_chat
from chat.models import Character, Chat
from tests.support.factories import make_user

SignIn = Callable[..., BrowserContext]


def choose(page: Page, action: str) -> None:
    """From the menu of the first chat in the list."""
    page.goto("/chats/")
    page.locator("[data-chat-row] summary").click()
    page.locator("[data-chat-row]").get_by_role("button", name=action).click()


@pytest.fixture
def alices(sign_in: SignIn) -> tuple[Chat, Page]:
    alice = make_user()
    character = Character.objects.get(slug="yuki-snow-inn")
    chat = create_chat(user=alice, character_id=character.pk)
    return chat, sign_in(alice, java_script_enabled=False).new_page()


def test_chats_are_renamed_and_deleted(alices: tuple[Chat, Page]) -> None:
    chat, page = alices
    choose(page, "Rename")
    name = page.get_by_label("Name")
    expect(name).to_have_value("Yuki of the Snow Inn")
    name.fill("\u200b")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write something first.")).to_be_visible()
    name.fill("Tea")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main [data-chat-title]")).to_have_text("Tea")
    expect(page.get_by_text("The chat was renamed.")).to_be_visible()

    choose(page, "Delete")
    expect(page.get_by_text("“Tea” and all its messages will be deleted.")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    assert page.url.endswith(chat.get_absolute_url())
    page.goto("/chats/")
    choose(page, "Delete")
    page.locator("main").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No chats yet")).to_be_visible()
    assert not Chat.objects.filter(pk=chat.pk).exists()


def test_start_chat_sends_the_first_message(sign_in: SignIn) -> None:
    page = sign_in(make_user(), java_script_enabled=False).new_page()
    page.goto(Character.objects.get(slug="yuki-snow-inn").get_absolute_url())
    page.get_by_label("Your first message").fill("Good evening.")
    page.get_by_role("button", name="Start chat").click()
    expect(page.locator("[data-role=user] [data-content]")).to_have_text("Good evening.")
