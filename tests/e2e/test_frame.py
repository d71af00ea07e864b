"""The frame of every page: drawer, menus, balance, theme, search key, accessibility."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, expect

from chat.conversations.chats import create_chat
from chat.models import Character, Chat
from intellispark.accounts.models import User
from payments.ledger.operations import grant, hold
from tests.support.axe import violations
from tests.support.browser import expect_home, open_connected
from tests.support.factories import make_user
from tests.support.time_travel import in_days, pass_time

pytestmark = pytest.mark.once

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
STRANGERS = ["/", "/characters/", "/accounts/login/", "/accounts/signup/", "/no-such-page"]
PEOPLES = ["/", "/characters/?q=zzz", "/chats/", "/payment/", "/settings/", "/accounts/email/"]

BOXES = """card => {
    const label = card.querySelector(".sidebar__balance-label");
    const note = card.querySelector("[data-note]");
    const line = note.textContent ? note : label;
    return [card, card.querySelector(".button"), card.querySelector(".balance__figure"), line].map(
        (part) => part.getBoundingClientRect().toJSON()
    );
}"""

SignIn = Callable[..., BrowserContext]


def yuki() -> Character:
    return Character.objects.get(slug="yuki-snow-inn")


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_pages_pass_axe(
    visit: SignIn, sign_in: SignIn, alice: User, screen: dict[str, Any]
) -> None:
    chat = create_chat(user=alice, character_id=yuki().pk).get_absolute_url()
    character = yuki().get_absolute_url()
    questions = [f"{chat}rename/", f"{chat}delete/"]
    for context, paths in (
        (visit(**screen), [*STRANGERS, character]),
        (sign_in(alice, **screen), [*PEOPLES, character, chat, *questions]),
    ):
        page = context.new_page()
        for path in paths:
            page.goto(path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_scripts_are_asked_for_at_once_and_only_once(sign_in: SignIn, alice: User) -> None:
    chat = create_chat(user=alice, character_id=yuki().pk)
    page = sign_in(alice).new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for path in ("/payment/", chat.get_absolute_url()):
        asked.clear()
        open_connected(page, path)  # a socket that is left before it is open says so
        page.wait_for_load_state("networkidle")
        links = page.locator("link[rel=modulepreload]").evaluate_all("all => all.map(l => l.href)")
        assert len(links) > 5
        scripts = [url for url in asked if url.endswith(".js")]
        assert set(links) <= set(scripts), "what is preloaded is a script of the page"
        assert len(scripts) == len(set(scripts))
    assert said == []


def test_times_are_said_the_same_way_with_and_without_scripts(sign_in: SignIn, alice: User) -> None:
    create_chat(user=alice, character_id=yuki().pk)
    grant(wallet_id=alice.pk, tokens=3, key="dated", expires_at=in_days(5))
    # Every age is said in hours from here on: nothing becomes a minute older between two looks.
    pass_time(timedelta(hours=2))
    Chat.objects.filter(user=alice).update(updated_at=timezone.now() - timedelta(hours=2))
    for locale in ("en-US", "zh-CN"):
        said = []
        for scripts in (True, False):
            page = sign_in(
                alice, locale=locale, java_script_enabled=scripts, timezone_id="UTC"
            ).new_page()
            for path in ("/payment/", "/chats/"):
                page.goto(path)
                said.append(page.locator("main time").all_inner_texts())
        assert said[:2] == said[2:]
        assert all(said)


def test_times_are_said_in_the_readers_own_zone(sign_in: SignIn, alice: User) -> None:
    end = in_days(5).replace(hour=20, minute=5, second=10)  # in Tokyo the next day has begun
    grant(wallet_id=alice.pk, tokens=3, key="dated", expires_at=end)
    create_chat(user=alice, character_id=yuki().pk)
    page = sign_in(alice, locale="en-US", timezone_id="Asia/Tokyo").new_page()
    page.goto("/payment/")
    day = page.locator("[data-expiry] [data-day]").first
    tokyo = end + timedelta(hours=9)
    expect(day).to_have_text(f"{tokyo:%B} {tokyo.day}, {tokyo.year}")
    expect(day).to_have_attribute("title", re.compile("5:05:09.AM$"))
    titles = page.locator("main time").evaluate_all("all => all.map((one) => one.title)")
    assert titles
    assert [title for title in titles if not title or title.endswith("UTC")] == []
    page.goto("/chats/")
    expect(page.locator("[data-chats] time")).to_have_attribute("title", re.compile("M$"))


def test_chats_are_renamed_and_deleted_from_the_list(sign_in: SignIn, alice: User) -> None:
    chat = create_chat(user=alice, character_id=yuki().pk)
    page = sign_in(alice).new_page()
    page.goto("/chats/")
    page.locator("[data-chat-row] summary").click()
    page.get_by_role("button", name="Rename").click()
    name = page.get_by_label("Name", exact=True)
    name.fill("   ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Write something first.")
    expect(name).to_be_focused()
    expect(page.locator("main [data-chat-title]")).to_have_text(chat.title)
    name.fill("Tea")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_empty()
    page.keyboard.press("Enter")
    expect(page.locator("main [data-chat-title]")).to_have_text("Tea")
    expect(page.locator(".recent__title")).to_have_text("Tea")
    chat.refresh_from_db()
    assert chat.title == "Tea"

    page.locator("[data-chat-row] summary").click()
    page.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    expect(page.locator("[data-chat-row]")).to_have_count(1)
    expect(page.locator("[data-chat-row] summary")).to_be_focused()
    page.locator("[data-chat-row] summary").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No chats yet")).to_be_visible()
    assert not Chat.objects.filter(pk=chat.pk).exists()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_drawer_keeps_the_focus_and_gives_it_back(
    sign_in: SignIn, alice: User, motion: str
) -> None:
    page = sign_in(alice, **PHONE, reduced_motion=motion).new_page()
    page.goto("/")
    drawer = page.locator("[data-drawer]")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).press(" ")
    expect(drawer).to_be_visible()
    expect(page.get_by_role("link", name="Close menu")).to_be_focused()
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || !!document.activeElement.closest('[data-drawer]')"
        )
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Menu", exact=True)).to_be_focused()


def test_the_drawer_opens_without_scripts(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice, java_script_enabled=False, **PHONE).new_page()
    page.goto("/")
    page.get_by_role("link", name="Menu", exact=True).click()
    expect(page.locator("[data-drawer]")).to_be_visible()
    expect(page.locator("[data-sidebar] [data-available]")).to_have_text("10")


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_the_sidebar_card_has_no_empty_line_and_its_note_moves_nothing(
    sign_in: SignIn, alice: User, options: dict[str, Any]
) -> None:
    grant(wallet_id=alice.pk, tokens=2_688, key="test")
    boxes = []
    for held in (False, True):
        if held:
            hold(wallet_id=alice.pk, tokens=1, key="test:hold")
        page = sign_in(alice, **options, reduced_motion="reduce").new_page()
        page.goto("/")
        if options:
            page.get_by_role("button", name="Menu", exact=True).click()
            expect(page.get_by_role("link", name="Close menu")).to_be_focused()
        card = page.locator(".sidebar__balance")
        expect(card.locator("[data-available]")).to_have_text("2,697" if held else "2,698")
        words = "1 reserved for a reply in progress" if held else "Token balance"
        expect(card.get_by_text(words)).to_be_visible()
        boxes.append(card.evaluate(BOXES))
    for card, button, figure, line in boxes:
        assert line["bottom"] <= min(button["top"], figure["top"])
        assert figure["right"] <= button["left"]
        assert card["bottom"] - max(button["bottom"], figure["bottom"]) <= 16  # its padding
    assert [box[:2] for box in boxes[:1]] == [box[:2] for box in boxes[1:]]


def test_the_balance_is_quiet_with_room_until_it_is_low(sign_in: SignIn) -> None:
    colours = []
    for tokens in (6, 5):
        page = sign_in(make_user(tokens=tokens)).new_page()
        page.goto("/")
        pill = page.locator("[data-nav] .balance--nav")
        colours.append(pill.evaluate("element => getComputedStyle(element).backgroundColor"))
    quiet, low = colours
    assert quiet == "rgba(0, 0, 0, 0)" != low


def test_a_refused_setting_breaks_no_script(sign_in: SignIn, alice: User) -> None:
    """A form with a field named `action` has no `action` property to read an address from."""
    page = sign_in(alice).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/settings/")
    page.get_by_text("Close my account…").click()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Close my account permanently").click()
    expect(page.get_by_text("Wrong password.")).to_be_visible()
    assert errors == []


def test_an_open_page_says_that_one_is_signed_out_and_leads_back(
    sign_in: SignIn, alice: User
) -> None:
    context = sign_in(alice)
    page, other = context.new_page(), context.new_page()
    for one in (page, other):
        one.goto("/payment/")
        expect(one.locator("[data-nav] [data-available]").first).to_have_text("10")
    other.get_by_label("Your account").click()
    other.get_by_role("button", name="Sign out").click()
    expect_home(other)
    notes = page.locator("[data-toasts]")
    expect(notes).to_contain_text("You are signed out.")
    expect(notes.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", "/accounts/login/?next=%2Fpayment%2F"
    )


def test_the_theme_is_chosen_kept_and_there_before_the_first_paint(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    page.emulate_media(color_scheme="light")
    page.goto("/")
    toggle = page.locator("[data-theme-toggle]")
    expect(toggle).to_have_accessible_name("Theme: system")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: dark")
    # Modules come after the first paint; the theme must not wait for them.
    page.route("**/*.js", lambda route: route.abort())
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 17, 16)"


def test_the_account_menu_works_by_keyboard(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice).new_page()
    page.goto("/")
    menu = page.locator("[data-nav] details")
    summary = menu.locator("summary")
    summary.focus()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("link", name="Tokens")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", re.compile(".*"))
    expect(summary).to_be_focused()
    summary.press("Enter")
    menu.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Get started")).to_be_visible()
    expect(page.locator("[data-token-balance]")).to_have_count(0)


def test_ctrl_k_goes_to_the_search(sign_in: SignIn, alice: User) -> None:
    page = sign_in(alice).new_page()
    page.goto("/chats/")
    page.keyboard.press("Control+k")
    page.keyboard.type("quill")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)


def test_the_language_is_switched_in_place(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    page.goto("/characters/?category=cozy")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    assert page.url.endswith("/characters/?category=cozy")
    expect(page.get_by_text("雪栈掌柜由纪")).to_be_visible()


def test_offline_means_that_a_request_failed(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    page.goto("/")
    visitor.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    visitor.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
