"""The tokens page in a browser: what it shows of the ledger follows the balance."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from intellispark.accounts.models import User
from payments.billing.checkout import start_checkout
from payments.billing.fulfilment import fulfill
from payments.billing.models import Purchase
from payments.ledger import operations as ledger
from tests.support.browser import open_connected, what_was_asked

SignIn = Callable[..., BrowserContext]


def open_page(context: BrowserContext, query: str = "") -> Page:
    page = context.new_page()
    open_connected(page, f"/payment/{query}")
    return page


def begin(user: User) -> Purchase:
    return start_checkout(user=user, pack="starter", return_url="http://testserver/payment/")[0]


def test_history_and_expiry_follow_the_balance(alice: User, sign_in: SignIn) -> None:
    settled = ledger.hold(wallet_id=alice.pk, tokens=1, key="a", description="Reply from Yuki")
    ledger.release(hold=settled, key="b")
    page = open_page(sign_in(alice), "?kind=all")
    rows = page.locator("[data-refresh-url] [data-version]")
    expect(rows).to_have_count(3)
    toggle = page.locator("[data-keep=toggle]")
    toggle.focus()
    end = timezone.now() + timedelta(days=5)
    ledger.grant(wallet_id=alice.pk, tokens=3, key="c", expires_at=end)
    expect(rows).to_have_count(4)  # settled holds too: the filter is kept
    expect(page.locator("[data-version].entry--new")).to_have_attribute("data-version", "4")
    expect(page.locator("[data-expiring-soon]")).to_have_attribute("data-expiring-soon", "3")
    expect(toggle).to_be_focused()


def test_packs_are_bought_by_buttons_that_say_so(alice: User, sign_in: SignIn) -> None:
    page = open_page(sign_in(alice, locale="en-US"))
    buy = page.get_by_role("button", name="Buy 100 tokens for $2.99")
    assert buy.inner_text().split() == ["Buy", "100", "tokens", "for", "$2.99"]
    assert page.locator("[data-pack]").evaluate_all(
        "all => all.every((button) => button.scrollWidth <= button.clientWidth)"
    )
    page = open_page(sign_in(alice, locale="zh-CN"))
    expect(page.get_by_role("button", name="购买 100 代币， $2.99")).to_be_visible()


def test_a_page_asks_for_nothing_that_it_came_with(alice: User, sign_in: SignIn) -> None:
    page = sign_in(alice).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    open_connected(page, "/payment/")
    page.clock.fast_forward(500)  # a refresh would begin after 150 ms
    asked = what_was_asked(page, asked)
    assert not [url for url in asked if "/payment/history/" in url or "/payment/outlook/" in url]


def test_the_address_forgets_a_purchase_that_has_ended(alice: User, sign_in: SignIn) -> None:
    purchase = begin(alice)
    page = open_page(sign_in(alice), f"?kind=all&purchase={purchase.pk}")
    assert page.url.endswith(f"?kind=all&purchase={purchase.pk}")
    fulfill(purchase_id=purchase.pk)
    page.reload()
    expect(page.locator("[data-purchase=paid]")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/payment/\?kind=all$"))
