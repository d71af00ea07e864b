"""The settings page: its forms are where one looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.axe import violations
from tests.support.factories import make_user

pytestmark = pytest.mark.once

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}

SignIn = Callable[..., BrowserContext]


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["desktop", "phone"])
def test_closing_the_account_opens_in_view_and_says_a_wrong_password_there(
    sign_in: SignIn, screen: dict[str, Any]
) -> None:
    page = sign_in(make_user(), **screen).new_page()
    page.goto("/settings/")
    assert page.locator("a[href='/accounts/email/']").count() == 1  # the one place to change it
    expect(page.locator("[name=email]")).to_have_count(0)
    page.get_by_text("Close my account…").click()
    password, close = page.get_by_label("Password"), page.locator(".close-account .button--danger")
    expect(password).to_be_focused()
    expect(password).to_be_in_viewport(ratio=1)
    expect(close).to_be_in_viewport(ratio=1)
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wrong password.")).to_be_in_viewport(ratio=1)
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description("Wrong password.")
    assert violations(page) == []


def test_a_wrong_password_is_in_view_without_scripts_too(sign_in: SignIn) -> None:
    page = sign_in(make_user(), java_script_enabled=False, **PHONE).new_page()
    page.goto("/settings/")
    page.get_by_text("Close my account…").click()
    page.get_by_label("Password").fill("wrong")
    page.locator(".close-account .button--danger").click()
    expect(page.get_by_text("Wrong password.")).to_be_in_viewport(ratio=1)
