"""Finding characters: by words of theirs, in a category, in either language."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from chat.conversations.chats import create_chat, rename_chat
from chat.models import Character
from intellispark.accounts.tokens import issue
from tests.support.browser import open_connected
from tests.support.factories import make_user

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SignIn = Callable[..., BrowserContext]


def test_a_search_finds_moods_and_stays_in_the_category(sign_in: SignIn) -> None:
    alice = make_user()
    for options in ({}, PHONE):
        page = sign_in(alice, **options).new_page()
        page.goto("/characters/?category=cozy")
        search = page.locator("[data-search]").locator("visible=true")
        search.fill("barley tea")  # of an opening line
        search.press("Enter")
        expect(page.locator(".card__name")).to_have_text(["Yuki of the Snow Inn"])
        expect(page.locator(".shelves [aria-current]")).to_have_text("Cozy")
        page.get_by_role("link", name="Clear").click()
        expect(page.locator(".shelves [aria-current]")).to_have_text("Cozy")
        search.fill("lighthouse")
        search.press("Enter")
        page.get_by_role("link", name="Search in all categories").click()
        expect(page.locator(".card__name")).to_have_text(["Captain Mirela Vos"])
        search.fill("mystery")
        search.press("Enter")
        expect(page.locator(".card__name", has_text="Detective Okafor")).to_be_visible()


def test_names_follow_the_language_and_stay_when_something_happens(sign_in: SignIn) -> None:
    alice = make_user()
    yuki = create_chat(user=alice, character_id=Character.objects.get(slug="yuki-snow-inn").pk)
    quill = create_chat(user=alice, character_id=Character.objects.get(slug="professor-quill").pk)
    rename_chat(chat=quill, title="Tides")
    page = sign_in(alice, locale="en-US").new_page()
    page.goto("/chats/")
    expect(page.locator("main [data-chat-title]")).to_have_text(["Tides", "Yuki of the Snow Inn"])
    page = sign_in(alice, locale="zh-CN").new_page()
    open_connected(page, "/chats/")
    for where in ("main", "[data-sidebar]"):
        expect(page.locator(f"{where} [data-chat-title]")).to_have_text(["Tides", "雪栈掌柜由纪"])
    program = {"Authorization": f"Bearer {issue(alice)['access']}", "Accept-Language": "en"}
    path = f"/api/chats/{yuki.pk}"
    page.request.post(f"{path}/messages", headers=program, data={"content": "Hello"})
    expect(page.locator("main [data-chat-title]")).to_have_text(["雪栈掌柜由纪", "Tides"])
    open_connected(page, yuki.get_absolute_url())
    expect(page.get_by_role("heading", level=1)).to_have_text("雪栈掌柜由纪")
    expect(page.locator("[data-role=assistant] .message__name").first).to_have_text("雪栈掌柜由纪")
    page.request.patch(path, headers=program, data={"title": "Tea"})
    expect(page.get_by_role("heading", level=1)).to_have_text("Tea")
