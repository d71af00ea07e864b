"""The first message, typed on a character's page: "Start chat" sends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from chat.models import Character, Chat, Generation
from intellispark.accounts.models import User
from payments.models import LedgerEntry
from tests.support.factories import make_user

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}
OVERLAP = """([one, other]) => {
    const [a, b] = [one, other].map((selector) =>
        document.querySelector(selector).getBoundingClientRect());
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""

SignIn = Callable[..., BrowserContext]
Visit = Callable[..., BrowserContext]


def yuki() -> Character:
    return Character.objects.get(slug="yuki-snow-inn")


def said(page: Page, times: int = 1) -> None:
    expect(page.locator("[data-role=user]")).to_have_count(times)
    expect(page.locator("[data-receipt]").last).not_to_be_empty()


def sign_up(page: Page) -> str:
    """The new person's name."""
    name = f"new{timezone.now().timestamp()}".replace(".", "")
    page.locator("[name=username]").fill(name)
    page.locator("[name=email]").fill(f"{name}@example.com")
    page.locator("[name=password1]").fill("1")
    page.locator("main form .button--primary").click()
    expect(page.locator("[name=password1]")).to_be_focused()  # the first that was refused
    expect(page.locator(".field__errors")).to_be_in_viewport()
    page.locator("[name=password1]").fill("a-good-pass-phrase-9")
    page.locator("main form .button--primary").click()
    return name


@pytest.mark.parametrize(
    ("screen", "locale", "saved"),
    [
        (PHONE, "zh-CN", "你的消息已保留，注册后会自动发送。"),
        (WIDE, "en-US", "sent as soon as you sign up"),
    ],
    ids=["phone-zh", "desktop-en"],
)
def test_a_strangers_first_message_is_sent_once_signed_up(
    visit: Visit, screen: dict[str, object], locale: str, saved: str
) -> None:
    page = visit(locale=locale, **screen).new_page()
    page.goto(yuki().get_absolute_url())
    page.locator("[data-suggestion]").nth(1).click()
    typed = page.locator("#first-message").input_value()
    assert typed
    page.locator("[data-starter] .button--primary").dblclick()
    expect(page.get_by_text(saved)).to_be_visible()
    name = sign_up(page)
    page.wait_for_url("**/chats/*/")
    if screen is PHONE:
        assert not page.evaluate(OVERLAP, ["[data-toast]", "[data-messages] li"])
        assert not page.evaluate(OVERLAP, ["[data-toast]", "[data-composer]"])
    expect(page.locator("[data-role=user] [data-content]")).to_have_text(typed)
    said(page)
    expect(page.locator("[data-nav] [data-available]").first).to_have_text("9")
    at = page.url
    page.reload()
    said(page)
    page.goto(f"{yuki().get_absolute_url()}start/")  # where sign-up had led
    expect(page.locator("#first-message")).to_have_value("")
    page.goto(at)
    said(page)
    chat = Chat.objects.get(user__username=name)
    assert Generation.objects.filter(chat=chat).count() == 1
    assert LedgerEntry.objects.filter(wallet_id=chat.user_id, kind="hold").count() == 1


def test_a_double_click_sends_one_message_and_going_back_another(sign_in: SignIn) -> None:
    alice = make_user()
    page = sign_in(alice).new_page()
    page.goto(yuki().get_absolute_url())
    for times in (1, 2):
        page.locator("#first-message").fill(f"Good evening, {times}.")
        page.locator("[data-starter] .button--primary").dblclick()
        page.wait_for_url("**/chats/*/")
        said(page)
        assert Generation.objects.filter(user=alice).count() == times
        page.go_back()
    assert Chat.objects.filter(user=alice).count() == 2


def test_without_tokens_the_text_is_kept_and_the_reason_said(sign_in: SignIn) -> None:
    page = sign_in(make_user(tokens=0)).new_page()
    page.goto(yuki().get_absolute_url())
    page.locator("#first-message").fill("Is there a room?")
    page.locator("[data-starter] .button--primary").click()
    box = page.locator("[data-composer] textarea")
    expect(box).to_have_value("Is there a room?")
    notice = page.locator("[data-composer-notice]")
    expect(notice).to_contain_text("No tokens left. Your text is saved")
    expect(notice.get_by_role("link", name="Get tokens")).to_be_in_viewport()
    expect(page.locator("[data-role=user]")).to_have_count(0)
    page.reload()
    expect(box).to_have_value("Is there a room?")


def test_a_note_covers_no_title_on_phones(visit: Visit) -> None:
    page = visit(**PHONE).new_page()
    page.goto("/accounts/signup/")
    name = sign_up(page)
    expect(page.locator("[data-toast]")).to_contain_text(f"{name}@example.com")
    expect(page.locator("[data-toast]")).to_be_in_viewport()
    assert not page.evaluate(OVERLAP, ["[data-toast]", "h1"])
    assert User.objects.filter(username=name).exists()
