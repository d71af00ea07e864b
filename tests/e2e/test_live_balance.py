"""The promise: one number, the same everywhere, the moment it changes, whoever changed it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from chat.conversations.chats import create_chat
from chat.models import Character, Chat
from intellispark.accounts.models import User
from payments.audit.verify import differences
from payments.models import Wallet
from tests.e2e.model import Model
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

PLACES = ("nav", "sidebar", "composer")

SignIn = Callable[..., BrowserContext]


def new_chat(user: User) -> Chat:
    return create_chat(user=user, character_id=Character.objects.get(slug="professor-quill").pk)


def number(page: Page, place: str) -> Locator:
    return page.locator(f"[data-{place}] [data-token-balance] [data-available]").first


def expect_everywhere(page: Page, tokens: int) -> None:
    for place in PLACES:
        expect(number(page, place)).to_have_text(re.compile(rf"^\s*{tokens:,}\s*$"))


def said(page: Page, text: str) -> Locator:
    return page.get_by_role("region", name="Conversation").get_by_text(text)


def send(page: Page, text: str) -> None:
    page.locator("[data-composer] textarea").fill(text)
    page.keyboard.press("Enter")


@pytest.fixture
def tabs(sign_in: SignIn) -> tuple[User, Page, Page, Page]:
    """Alice, her two tabs in two chats, and a tab of Bob's; all connected."""
    alice, bob = make_user(), make_user()
    context = sign_in(alice)
    pages = []
    for owner, where in ((alice, context), (alice, context), (bob, sign_in(bob))):
        page = where.new_page()
        page.goto(f"/chats/{new_chat(owner).pk}/")
        expect_everywhere(page, 10)
        pages.append(page)
    return alice, *pages


def test_a_reply_costs_one_token_in_every_place_and_tab(
    tabs: tuple[User, Page, Page, Page],
) -> None:
    alice, one, two, stranger = tabs
    send(one, "Hello, professor.")
    expect_everywhere(one, 9)
    expect_everywhere(two, 9)
    expect(said(one, "Nice to meet you.")).to_be_visible()
    expect_everywhere(one, 9)
    expect_everywhere(two, 9)
    expect_everywhere(stranger, 10)
    assert Wallet.objects.get(pk=alice.pk).balance == 9
    assert list(differences()) == []


def test_the_number_drops_when_the_message_is_sent_not_when_the_reply_ends(
    tabs: tuple[User, Page, Page, Page], model: Model
) -> None:
    _, one, two, _ = tabs
    send(one, "Speak slowly.")
    expect_everywhere(one, 9)
    expect_everywhere(two, 9)
    expect(said(one, "word29")).to_be_visible()
    model.go_on()
    model.go_on()
    expect(said(one, "word59")).to_be_visible()
    expect_everywhere(one, 9)


def test_a_failing_provider_puts_it_back(tabs: tuple[User, Page, Page, Page]) -> None:
    alice, one, two, _ = tabs
    send(one, "Now please fail.")
    expect(one.get_by_role("button", name=re.compile("again|retry", re.I)).first).to_be_visible()
    expect_everywhere(one, 10)
    expect_everywhere(two, 10)
    assert Wallet.objects.get(pk=alice.pk).available == 10


def test_an_admins_adjustment_appears_in_both_tabs(
    tabs: tuple[User, Page, Page, Page], sign_in: SignIn
) -> None:
    alice, one, two, stranger = tabs
    admin = sign_in(make_user(is_staff=True, is_superuser=True)).new_page()
    admin.goto(f"/admin/payments/wallet/{alice.pk}/change/")
    admin.get_by_role("link", name=re.compile("adjust", re.I)).click()
    admin.locator("[name=tokens]").fill("25")
    admin.locator("[name=reason]").fill("Goodwill after an outage")
    admin.locator("#content-main, main").get_by_role("button").or_(
        admin.locator("input[type=submit]")
    ).last.click()
    expect_everywhere(one, 35)
    expect_everywhere(two, 35)
    expect_everywhere(stranger, 10)


def test_a_purchase_appears_in_both_tabs(tabs: tuple[User, Page, Page, Page]) -> None:
    alice, one, two, _ = tabs
    shop = one.context.new_page()
    shop.goto("/payment/")
    shop.locator("form:has([value=starter]) button").click()
    expect(shop.get_by_text(re.compile("test page", re.I)).first).to_be_visible()
    shop.get_by_role("button", name=re.compile("confirm|pay", re.I)).click()
    expect(shop).to_have_url(re.compile("/payment/"))
    for page in (one, two):
        expect_everywhere(page, 110)
    expect(number(shop, "nav")).to_have_text("110")
    assert Wallet.objects.get(pk=alice.pk).balance == 110


def test_sending_works_again_as_soon_as_tokens_arrive(sign_in: SignIn) -> None:
    from payments.ledger import operations as ledger

    user = make_user(tokens=0)
    page = sign_in(user).new_page()
    page.goto(f"/chats/{new_chat(user).pk}/")
    expect_everywhere(page, 0)
    expect(page.locator("[data-composer]").get_by_role("link").first).to_be_visible()
    page.locator("[data-composer] textarea").fill("Kept while I was broke.")
    page.keyboard.press("Enter")
    expect(page.locator("[data-composer] textarea")).to_have_value("Kept while I was broke.")
    ledger.grant(wallet_id=user.pk, tokens=3, key="top-up")  # by another process than the server's
    expect_everywhere_after_beacon(page, 3)
    expect(page.locator("[data-composer] textarea")).to_have_value("Kept while I was broke.")
    page.locator("[data-composer] textarea").press("Enter")
    expect(said(page, "Nice to meet you.")).to_be_visible()
    expect_everywhere(page, 2)


def expect_everywhere_after_beacon(page: Page, tokens: int) -> None:
    """A change by another process without Redis comes with the next beacon, within 25 s."""
    expect(number(page, "nav")).to_have_text(str(tokens))
    expect_everywhere(page, tokens)


def test_the_number_is_right_without_javascript(sign_in: SignIn) -> None:
    user = make_user(tokens=7)
    page = sign_in(user, java_script_enabled=False).new_page()
    page.goto(f"/chats/{new_chat(user).pk}/")
    expect_everywhere(page, 7)
