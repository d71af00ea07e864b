"""The chat page: sending, receiving, and nothing lost when either goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from chat.conversations.chats import create_chat
from chat.conversations.messages import post_message
from chat.models import Character, Chat, Generation, Message
from intellispark.accounts.models import User
from payments.models import LedgerEntry, Wallet
from tests.e2e.model import LONG, Model
from tests.support.axe import violations
from tests.support.browser import at_rest, expect_home, expect_noted, note, stop_timers, until
from tests.support.factories import make_user

TOO_SMALL = """() => [...document.querySelectorAll("main button, .nav a, .nav summary")]
    .filter((element) => element.checkVisibility() && element.getClientRects().length)
    .map((element) => [element.className, element.getBoundingClientRect()])
    .filter(([, { width, height }]) => width > 1 && (width < 44 || height < 44))
    .map(([name, { width, height }]) => `${name} ${width}x${height}`)"""
TOKENS_COME = """async () => {
    const { store } = await import("payments/balance-store");
    const { epoch, version } = store.state;
    store.apply({ epoch, version: version + 1, balance: 15, held: 0, available: 15, debt: 0 });
}"""
FROM_END = """(() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector("[data-scroller]");
    return scrollHeight - scrollTop - clientHeight;
})()"""
GROW = """() => {
    const growth = document.createElement("p");
    growth.dataset.growth = "";
    document.querySelector("[data-column]").append(growth);
    let lines = 0;
    window.stopGrowing = false;
    (function grow() {
        growth.append(`${lines++ ? "\\n" : ""}${lines}`, document.createElement("br"));
        if (!window.stopGrowing) requestAnimationFrame(grow);
    })();
}"""
NO_NETWORK = """
    Object.defineProperty(Navigator.prototype, "onLine", { get: () => false });
    addEventListener("load", () => dispatchEvent(new Event("offline")));
"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SignIn = Callable[..., BrowserContext]


def new_chat(user: User) -> Chat:
    return create_chat(user=user, character_id=Character.objects.get(slug="professor-quill").pk)


def open_chat(context: BrowserContext, chat: Chat) -> Page:
    page = context.new_page()
    page.goto(f"/chats/{chat.pk}/")
    expect(page.locator("[data-composer] [data-send]")).to_have_attribute("aria-disabled", "true")
    return page


def box(page: Page) -> Locator:
    return page.locator("[data-composer] textarea")


def send(page: Page, text: str) -> None:
    box(page).fill(text)
    page.keyboard.press("Enter")


def conversation(page: Page) -> Locator:
    return page.locator("[data-messages]")


def last_reply(page: Page) -> Locator:
    return page.locator("[data-role=assistant]").last


def notice(page: Page) -> Locator:
    return page.locator("[data-composer-notice]")


def stop(page: Page) -> Locator:
    return page.locator("[data-stop]")


@pytest.fixture
def alices(alice: User, sign_in: SignIn) -> tuple[User, Chat, Page]:
    """Alice, a chat of hers, and the page of it."""
    chat = new_chat(alice)
    return alice, chat, open_chat(sign_in(alice), chat)


Alices = tuple[User, Chat, Page]


def test_enter_sends_and_shift_enter_breaks_the_line(alices: Alices) -> None:
    _, chat, page = alices
    box(page).fill("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()
    assert page.locator("[data-role=user] [data-content]").inner_text() == "one\ntwo"
    expect(box(page)).to_have_value("")
    expect(box(page)).to_be_focused()
    assert chat.messages.get(role="user").content == "one\ntwo"


@pytest.mark.parametrize("event", [{"isComposing": True}, {"keyCode": 229}])
def test_keys_of_an_input_method_neither_send_nor_stop(
    alices: Alices, model: Model, event: dict[str, Any]
) -> None:
    _, _, page = alices
    send(page, "Speak slowly.")
    expect(last_reply(page)).to_contain_text("word29")
    box(page).fill("ni")
    box(page).dispatch_event("keydown", {"key": "Escape", "bubbles": True, **event})
    model.go_on()
    expect(last_reply(page)).to_contain_text("word49")  # it was not stopped
    page.keyboard.press("Escape")
    expect(last_reply(page)).to_contain_text("Stopped")
    page.reload()
    box(page).fill("ni hao")
    box(page).dispatch_event("keydown", {"key": "Enter", "bubbles": True, **event})
    expect(box(page)).to_have_value("ni hao")
    expect(page.locator("[data-role=user]")).to_have_count(1)


def test_a_reply_has_its_receipt_and_code_can_be_copied(alices: Alices) -> None:
    _, _, page = alices
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    send(page, "show me code")
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    button = last_reply(page).get_by_role("button", name="Copy").first
    note(last_reply(page))
    button.click()
    expect_noted(page, "Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "print(1)\n"


def test_what_a_model_writes_is_never_run(alices: Alices) -> None:
    _, _, page = alices
    send(page, "be evil")
    expect(last_reply(page).locator("strong")).to_have_text("bold")
    expect(last_reply(page).locator("[data-receipt]")).to_be_visible()
    expect(last_reply(page).locator("[data-content] img")).to_have_count(0)
    expect(last_reply(page).locator("[href^='javascript']")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


def test_reasoning_that_was_shown_gives_way_to_the_reply(alices: Alices, model: Model) -> None:
    _, _, page = alices
    send(page, "Please think aloud.")
    content = last_reply(page).locator("[data-content]")
    expect(content).to_contain_text("Secret")
    model.go_on()
    expect(content).to_contain_text("Hello")
    expect(content).not_to_contain_text("Secret")
    expect(last_reply(page).locator("[data-receipt]")).to_be_visible()
    expect(content).to_have_text("Hello, you there.")


def test_each_block_finds_its_own_direction_and_code_is_read_from_the_left(
    alices: Alices,
) -> None:
    _, _, page = alices
    send(page, "Write both ways.")
    expect(last_reply(page).locator("[data-receipt]")).to_be_visible()
    expect(last_reply(page).locator("strong")).to_have_text("“你好”")
    directions = (
        last_reply(page)
        .locator("p, li, pre")
        .evaluate_all(
            "found => found.filter((e) => e.closest('[data-content]'))"
            ".map((e) => getComputedStyle(e).direction)"
        )
    )
    assert directions == ["ltr", "rtl", "ltr", "rtl", "ltr"]


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop_keeps_what_came(alices: Alices, how: str) -> None:
    alice, chat, page = alices
    send(page, "Speak at length.")
    expect(last_reply(page)).to_contain_text("word2")
    if how == "button":
        stop(page).click()
    else:
        page.keyboard.press("Escape")
    expect(last_reply(page)).to_contain_text("Stopped")
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    expect(stop(page)).to_be_hidden()
    expect(box(page)).to_be_focused()
    text = last_reply(page).locator("[data-content]").inner_text()
    assert "word59" not in text
    assert chat.messages.get(status="stopped").content.strip() == text.strip()
    assert Wallet.objects.get(pk=alice.pk).balance == 9


def test_a_reload_in_mid_stream_finds_the_reply_growing(alices: Alices, model: Model) -> None:
    _, chat, page = alices
    send(page, "Speak slowly.")
    expect(last_reply(page)).to_contain_text("word2")
    page.reload()
    expect(last_reply(page)).to_have_attribute("data-status", "streaming")
    expect(stop(page)).to_be_visible()
    expect(last_reply(page)).not_to_contain_text("word30")
    model.go_on()
    expect(last_reply(page)).to_contain_text("word49")
    model.go_on()
    expect(last_reply(page)).to_contain_text("word59")
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    assert (
        page.locator("[data-role=assistant]").count()
        == chat.messages.filter(role="assistant").count()
    )


def accepted(route: Route) -> dict[str, Any]:
    """What the server says when the request reaches it, whatever the page is then told."""
    headers = {**route.request.headers, "accept": "application/json", "prefer": "respond-async"}
    return route.fetch(headers=headers).json()


def test_a_stream_that_broke_is_picked_up_where_it_ended(alices: Alices, model: Model) -> None:
    _, _, page = alices

    def break_off(route: Route) -> None:
        answer = accepted(route)
        start = f'{{"generation_id": "{answer["generation"]["id"]}", "message_id": ""}}'
        route.fulfill(content_type="text/event-stream", body=f"event: start\ndata: {start}\n\n")

    page.route("**/generate", break_off)
    send(page, "Speak slowly.")
    expect(last_reply(page)).to_contain_text("word29")
    model.go_on()
    model.go_on()
    expect(last_reply(page)).to_contain_text(LONG)
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    expect(page.locator("[data-retry-line]")).to_have_count(0)


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(alices: Alices) -> None:
    alice, chat, page = alices
    keys = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        accepted(route)
        route.abort()

    page.route("**/generate", lose_the_first)
    send(page, "Hello, professor.")
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert Generation.objects.filter(chat=chat).count() == 1
    assert LedgerEntry.objects.filter(wallet_id=alice.pk, kind="hold").count() == 1


def open_on_a_clock(context: BrowserContext, chat: Chat) -> Page:
    context.clock.install()
    return open_chat(context, chat)


def expect_given_up(page: Page) -> None:
    """The pauses between its tries pass at once."""
    until(page, lambda: notice(page).is_visible() or page.clock.fast_forward(2_000))
    expect(notice(page)).to_contain_text("could not be reached")


def test_without_a_network_the_message_goes_back_into_the_box(alice: User, sign_in: SignIn) -> None:
    page = open_on_a_clock(sign_in(alice), new_chat(alice))
    page.route("**/generate", lambda route: route.abort())
    send(page, "Can you hear me?")
    expect_given_up(page)
    expect(box(page)).to_have_value("Can you hear me?")
    expect(page.locator("[data-role=user]")).to_have_count(0)
    page.unroute("**/generate")
    page.keyboard.press("Enter")
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()
    expect(notice(page)).to_be_hidden()


def test_a_browser_that_believes_to_be_offline_still_sends(sign_in: SignIn) -> None:
    """As on a laptop without a network, where the site at 127.0.0.1 works as ever."""
    alice = make_user()
    context = sign_in(alice)
    context.add_init_script(NO_NETWORK)
    page = open_chat(context, new_chat(alice))
    with page.expect_response("**/healthz"):  # a reason to ask, and no more
        page.evaluate("dispatchEvent(new Event('offline'))")
    assert page.evaluate("navigator.onLine") is False
    send(page, "Hello, professor.")
    expect(last_reply(page).locator("[data-receipt]")).to_have_text("✦ 1 token")
    expect(page.locator("[data-offline]")).to_be_hidden()
    expect(notice(page)).to_be_hidden()


def test_what_was_sent_without_a_line_is_kept_and_the_note_goes_with_it(
    alice: User, sign_in: SignIn
) -> None:
    chat = new_chat(alice)
    page = open_on_a_clock(sign_in(alice), chat)
    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    send(page, "Can you hear me?")
    kept = f"localStorage.getItem('user:{chat.user_id}:draft:{chat.pk}')"
    assert "Can you hear me?" in page.evaluate(kept)  # a page that is closed now loses nothing
    expect_given_up(page)
    expect(box(page)).to_have_value("Can you hear me?")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()
    assert page.evaluate(kept) is None
    assert chat.messages.filter(role="user").count() == 1


def test_a_second_tab_is_told_and_keeps_its_text(alices: Alices) -> None:
    _, chat, one = alices
    two = one.context.new_page()  # without a socket it does not hear of the other's reply
    two.route_web_socket("**/ws/balance/", lambda route: route.close(code=1011))
    two.route("**/api/payment/user/tokens", lambda route: route.abort())  # nor by polling
    two.add_init_script("delete window.BroadcastChannel")
    two.goto(f"/chats/{chat.pk}/")
    send(one, "Speak at length.")
    expect(last_reply(one)).to_contain_text("word1")
    send(two, "And I?")
    expect(notice(two)).to_contain_text("already being written")
    expect(box(two)).to_have_value("And I?")
    expect(two.locator("[data-role=user]")).to_have_count(0)


def test_a_failed_reply_can_be_tried_again(alices: Alices) -> None:
    alice, chat, page = alices
    send(page, "Now please fail.")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(page.locator("[data-role=user]")).to_have_text(re.compile("please fail"))
    again.click()
    until(page, lambda: chat.generations.filter(status="failed").count() == 2)
    expect(again).to_be_visible()
    assert chat.messages.filter(role="user").count() == 1
    assert chat.generations.count() == 2
    page.reload()
    expect(again).to_be_visible()
    assert Wallet.objects.get(pk=alice.pk).available == 10


def test_a_reply_that_breaks_off_is_kept_and_marked(alices: Alices) -> None:
    _, chat, page = alices
    send(page, "Please break off.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(last_reply(page)).to_contain_text("word1")
    expect(last_reply(page).locator("[data-status-text]")).not_to_be_empty()
    expect(last_reply(page).locator("[data-receipt]")).to_be_empty()
    assert chat.messages.filter(role="assistant", parent__isnull=False).count() == 1


def test_a_draft_survives_a_reload_and_ends_with_the_session(alices: Alices) -> None:
    _, _, page = alices
    box(page).fill("half a thought")
    page.reload()
    expect(box(page)).to_have_value("half a thought")
    page.locator("[data-nav] [data-menu] summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    expect_home(page)
    assert not [k for k in page.evaluate("Object.keys(localStorage)") if "draft" in k]


def test_a_message_that_is_too_long_says_so_and_is_not_sent(alices: Alices) -> None:
    _, _, page = alices
    box(page).fill("字" * 9_500)
    expect(page.locator("[data-count]")).to_have_text("9,500 of 10,000 characters")
    send(page, "字" * 10_001)
    expect(page.locator("[data-count]")).to_contain_text("please shorten it")
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-role=user]")).to_have_count(0)


def test_older_messages_come_while_scrolling_up_and_the_view_stays(
    alice: User, sign_in: SignIn
) -> None:
    chat = new_chat(alice)
    Message.objects.bulk_create(
        Message(chat=chat, number=n, role="user", content=f"message {n}") for n in range(2, 80)
    )
    Chat.objects.filter(pk=chat.pk).update(message_count=79)
    page = open_chat(sign_in(alice), chat)
    expect(conversation(page).get_by_text("message 79", exact=True)).to_be_in_viewport()
    expect(conversation(page).get_by_text("message 20", exact=True)).to_have_count(0)
    page.locator("[data-scroller]").hover()

    def first_is_there() -> bool:
        page.mouse.wheel(0, -400)
        return conversation(page).get_by_text("message 2", exact=True).count() == 1

    until(page, first_is_there)
    assert page.evaluate("document.querySelector('[data-scroller]').scrollTop") > 0
    numbers = page.locator("[data-role=user] [data-content]").all_inner_texts()
    assert numbers == [f"message {n}" for n in range(2, 80)]


def test_who_reads_further_up_is_left_alone(alices: Alices, model: Model) -> None:
    _, _, page = alices
    page.set_viewport_size({"width": 700, "height": 420})
    send(page, "Speak slowly.")
    expect(last_reply(page)).to_contain_text("word29")  # more than the screen holds
    scroller = page.locator("[data-scroller]")
    scroller.hover()
    page.mouse.wheel(0, -600)
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    before = at_rest(scroller)
    model.go_on()
    expect(last_reply(page)).to_contain_text("word49")
    assert scroller.evaluate("element => element.scrollTop") == before
    jump.click()
    at_rest(scroller)
    expect(jump).to_be_hidden()
    model.go_on()
    expect(last_reply(page).locator("[data-receipt]")).to_be_in_viewport()


@pytest.mark.parametrize("how", ["wheel", "key", "finger"])
def test_the_first_move_up_ends_following_however_fast_a_reply_grows(
    sign_in: SignIn, how: str
) -> None:
    """The text grows with every frame, so that no scroll event comes between the move and that."""
    alice = make_user()
    chat = new_chat(alice)
    post_message(user=alice, chat=chat, content="line\n" * 60)
    page = open_chat(sign_in(alice, **(PHONE if how == "finger" else {})), chat)
    scroller = page.locator("[data-scroller]")
    page.evaluate(GROW)
    expect(page.locator("[data-growth]")).to_contain_text("20")
    assert page.evaluate(FROM_END) < 48, "it is followed"
    if how == "wheel":
        scroller.hover()
        page.mouse.wheel(0, -30)  # not even as far as where following begins
    elif how == "key":
        scroller.focus()
        page.keyboard.press("PageUp")
    else:
        drag(page, by=30)
    at = int(page.locator("[data-growth]").inner_text().split()[-1])
    expect(page.locator("[data-growth]")).to_contain_text(str(at + 60))
    assert page.evaluate(FROM_END) > 100, "it grows below, and is not followed"
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    page.evaluate("stopGrowing = true")
    while page.evaluate(FROM_END) > 48:
        if how == "finger":
            drag(page, by=-300)
        elif how == "wheel":
            page.mouse.wheel(0, 2_000)
        else:
            page.keyboard.press("End")
        at_rest(scroller)
    expect(jump).to_be_hidden()
    page.evaluate(GROW)
    expect(page.locator("[data-growth]").last).to_contain_text("40")
    assert page.evaluate(FROM_END) < 48, "who has reached the end follows again"


def drag(page: Page, *, by: int) -> None:
    """A finger that moves down the screen by so many pixels; up when negative."""
    session = page.context.new_cdp_session(page)
    x, y = 190, 400

    def send_touch(kind: str, at: int | None) -> None:
        points = [] if at is None else [{"x": x, "y": at}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send_touch("touchStart", y)
    for step in range(1, 11):
        send_touch("touchMove", y + by * step // 10)
    send_touch("touchEnd", None)


def test_on_a_phone_enter_makes_a_line_and_the_button_sends(sign_in: SignIn) -> None:
    alice = make_user()
    chat = new_chat(alice)
    page = open_chat(sign_in(alice, **PHONE), chat)
    box(page).fill("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    expect(box(page)).to_have_value("one\ntwo")
    expect(page.locator("[data-role=user]")).to_have_count(0)
    page.locator("[data-send]").tap()
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()
    assert chat.messages.get(role="user").content == "one\ntwo"


def test_on_a_phone_the_first_message_has_lines_too(sign_in: SignIn) -> None:
    page = sign_in(make_user(), **PHONE).new_page()
    character = Character.objects.get(slug="professor-quill")
    page.goto(f"/characters/{character.pk}/")
    first = page.locator("form[data-starter] textarea")
    first.fill("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    expect(first).to_have_value("one\ntwo")


def test_a_chat_is_renamed_and_deleted(alices: Alices) -> None:
    _, chat, page = alices
    page.locator(".chat__header [data-menu] summary").click()
    page.get_by_role("button", name="Rename").locator("visible=true").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Shower curtains")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Shower curtains")).to_be_visible()
    expect(page.locator("[data-sidebar]")).to_contain_text("Shower curtains")
    page.locator(".chat__header [data-menu] summary").click()
    page.get_by_role("button", name="Delete").locator("visible=true").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/chats/")
    assert not Chat.objects.filter(pk=chat.pk).exists()


def test_a_chat_that_was_deleted_elsewhere_says_so_and_keeps_the_text(alices: Alices) -> None:
    _, chat, page = alices
    Chat.objects.filter(pk=chat.pk).delete()
    box(page).fill("Are you there?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-composer-notice]")).to_contain_text("This chat was deleted")
    expect(box(page)).to_have_value("Are you there?")


def test_a_suggestion_fills_the_box(alices: Alices) -> None:
    _, _, page = alices
    chip = page.locator("[data-suggestion]").first
    text = chip.inner_text()
    chip.click()
    expect(box(page)).to_have_value(text)
    page.keyboard.press("Enter")
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()
    expect(page.locator("[data-suggestion]")).to_have_count(0)


def test_somebody_elses_chat_is_not_found(sign_in: SignIn) -> None:
    chat = new_chat(make_user())
    page = sign_in(make_user()).new_page()
    answer = page.goto(f"/chats/{chat.pk}/")
    assert answer is not None
    assert answer.status == 404


def test_on_a_phone_everything_is_in_reach(sign_in: SignIn) -> None:
    alice = make_user(tokens=4)
    page = open_chat(sign_in(alice, **PHONE), new_chat(alice))
    for place in ("[data-nav]", "[data-composer]"):
        balance = page.locator(f"{place} token-balance").first
        expect(balance.locator("[data-available]")).to_be_in_viewport()
        expect(balance.get_by_text("low", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Back to your chats")).to_be_in_viewport()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert page.evaluate(TOO_SMALL) == []


def test_a_refusal_by_the_server_keeps_the_text_until_tokens_come(alices: Alices) -> None:
    """The page believed that there were tokens; somebody else was faster."""
    _, _, page = alices
    refusal = {"error": {"code": "insufficient_tokens", "detail": "x", "needed": 1, "available": 0}}
    page.route("**/generate", lambda route: route.fulfill(status=402, json=refusal))
    send(page, "One more, please.")
    expect(notice(page)).to_contain_text("Not enough tokens")
    expect(notice(page).get_by_role("link", name="Get tokens")).to_be_visible()
    expect(box(page)).to_have_value("One more, please.")
    expect(page.locator("[data-nav] [data-available]").first).to_have_text("10")
    page.unroute("**/generate")
    page.evaluate(TOKENS_COME)
    expect(notice(page)).to_be_hidden()
    page.keyboard.press("Enter")
    expect(conversation(page).get_by_text("Nice to meet you.")).to_be_visible()


def test_signing_out_in_one_tab_takes_the_number_off_the_other(alices: Alices) -> None:
    _, chat, one = alices
    two = open_chat(one.context, chat)
    one.locator("[data-nav] [data-menu] summary").last.click()
    one.get_by_role("button", name="Sign out").click()
    for place in ("nav", "sidebar", "composer"):
        number = two.locator(f"[data-{place}] [data-available]").first
        expect(number).to_have_text("–")
    expect(two.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_balance_that_cannot_be_loaded_is_a_button_that_asks_again(
    alice: User, sign_in: SignIn
) -> None:
    page = sign_in(alice).new_page()
    page.route_web_socket("**/ws/balance/", lambda socket: None)  # says nothing
    page.route("**/api/payment/user/tokens", lambda route: route.abort())
    page.clock.install()
    page.goto(f"/chats/{new_chat(alice).pk}/")
    stop_timers(page)  # or a poll might find the answer before the click
    page.evaluate(
        "import('payments/balance-store').then(({ store }) => {"
        " store.invalidate(); store.refetch(); })"
    )
    again = page.locator("[data-nav] [data-refetch]").first
    expect(again).to_be_visible()
    expect(again).to_have_text("?")
    page.unroute("**/api/payment/user/tokens")
    again.click()
    expect(page.locator("[data-nav] [data-available]").first).to_have_text("10")
    expect(again).to_be_hidden()


@pytest.mark.once
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(sign_in: SignIn, screen: dict[str, Any]) -> None:
    alice = make_user(tokens=2)
    page = open_chat(sign_in(alice, reduced_motion="reduce", **screen), new_chat(alice))
    box(page).fill("show me code")
    page.locator("[data-send]").click()
    expect(last_reply(page).locator("[data-receipt]")).to_be_visible()
    box(page).fill("Now please fail.")
    page.locator("[data-send]").click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert violations(page) == []
