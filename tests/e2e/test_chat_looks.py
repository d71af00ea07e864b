"""How the chat page looks: where it begins, where the focus is, and what goes on sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from chat.conversations.chats import create_chat
from chat.conversations.messages import append_message
from chat.models import Character, Chat
from tests.support.factories import make_user

pytestmark = pytest.mark.once

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}
OUTLINE = """element => {
    const { outlineColor, outlineStyle, outlineWidth } = getComputedStyle(element);
    return [outlineColor, outlineStyle, outlineWidth];
}"""
LINES = "\n" * 6  # without text: the shadow alone

SignIn = Callable[..., BrowserContext]


def yukis() -> Chat:
    character = Character.objects.get(slug="yuki-snow-inn")
    return create_chat(user=make_user(), character_id=character.pk)


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["desktop", "phone"])
def test_a_new_chat_begins_at_the_top(sign_in: SignIn, screen: dict[str, Any]) -> None:
    chat = yukis()
    page = sign_in(chat.user, **screen).new_page()
    page.goto(chat.get_absolute_url())
    scroller = page.locator("[data-scroller]").bounding_box()
    first = page.locator("[data-messages] li").first.bounding_box()
    assert scroller is not None
    assert first is not None
    assert 0 <= first["y"] - scroller["y"] <= 32


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_box_in_a_frame_shows_its_focus_as_all_others_do(sign_in: SignIn, scheme: str) -> None:
    chat = yukis()
    page = sign_in(chat.user, color_scheme=scheme, reduced_motion="reduce").new_page()
    for path, frame, box in (
        (chat.get_absolute_url(), ".composer", "#message"),
        (chat.character.get_absolute_url(), ".starter__box", "#first-message"),
    ):
        page.goto(path)
        search = page.locator("[data-search]").locator("visible=true")
        search.focus()
        usual = search.evaluate(OUTLINE)
        assert usual[1:] == ["solid", "2px"]
        assert page.locator(frame).evaluate(OUTLINE) != usual
        page.locator(box).focus()
        assert page.locator(frame).evaluate(OUTLINE) == usual


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_and_tables_show_at_which_edge_they_go_on(sign_in: SignIn, scheme: str) -> None:
    chat = yukis()
    asked = append_message(chat, role="user", content="?")
    wide, narrow = "x" * 300, "x"
    said = "\n\n".join(f"```\n{code}{LINES}\n```" for code in (wide, narrow))
    append_message(chat, role="assistant", content=said, parent=asked)
    page = sign_in(chat.user, color_scheme=scheme).new_page()
    page.goto(chat.get_absolute_url())
    long, short = page.locator(".code__text").all()

    def edge(block: Locator, side: str) -> bytes:
        block.scroll_into_view_if_needed()
        box = block.bounding_box()
        assert box is not None
        x = box["x"] + 1 if side == "left" else box["x"] + box["width"] - 13
        clip = {"x": x, "y": box["y"] + box["height"] - 60, "width": 12, "height": 20}
        return page.screenshot(clip=clip)  # type: ignore[arg-type]  a dict of these four

    plain = edge(short, "right")
    assert edge(short, "left") == plain
    assert edge(long, "left") == plain
    assert edge(long, "right") != plain
    long.focus()
    long.evaluate("block => { block.scrollLeft = 40; }")
    assert plain not in (edge(long, "left"), edge(long, "right"))
    long.evaluate("block => { block.scrollLeft = block.scrollWidth; }")
    expect(long).to_be_focused()
    assert edge(long, "right") == plain
    assert edge(long, "left") != plain
