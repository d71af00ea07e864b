"""The number under every fault between server and page: lost frames, dead sockets, restarts,
sleep, sign-out; and what a page hears of its person's other tabs."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    Locator,
    Page,
    Route,
    WebSocketRoute,
    expect,
)

from chat.conversations.chats import create_chat, rename_chat
from chat.models import Character, Chat, Message
from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from intellispark.text import preview
from payments.ledger import operations as ledger
from payments.models import Wallet
from tests.support.browser import (
    PATIENCE_SECS,
    expect_home,
    expect_noted,
    note,
    open_connected,
    stop_timers,
    until,
    what_was_asked,
)
from tests.support.engines import chromium_path
from tests.support.factories import make_user
from tests.support.server import Server

SOCKET = re.compile(r"/ws/balance/$")

# Every text that any balance of the page ever shows, and the versions that go with it.
WATCH = """() => {
    window.seen = [];
    const note = () => {
        for (const element of document.querySelectorAll("[data-token-balance]")) {
            const shown = element.querySelector("[data-available]").textContent;
            const text = shown.trim().replaceAll(",", "");
            window.seen.push([text, Number(element.dataset.version)]);
        }
    };
    note();
    new MutationObserver(note).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributeFilter: ["data-version"],
    });
}"""
# All that the page ever says beside the number: notes, titles, announcements, toasts.
WATCH_WORDS = """() => {
    window.words = new Set();
    const note = () => {
        const balances = "[data-token-balance][title]";
        const saying = "[data-note], [role=status], [role=alert], [data-toasts]";
        for (const { textContent } of document.querySelectorAll(saying)) words.add(textContent);
        for (const { title } of document.querySelectorAll(balances)) words.add(title);
    };
    note();
    new MutationObserver(note).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributeFilter: ["title"],
    });
}"""
WORDS = "[...window.words].join(' | ')"
ALONE = "delete window.BroadcastChannel"
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    const visibilityState = hidden ? "hidden" : "visible";
    Object.defineProperty(document, "visibilityState", {
        value: visibilityState, configurable: true,
    });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

SignIn = Callable[..., BrowserContext]


def new_chat(user: User) -> Chat:
    return create_chat(user=user, character_id=Character.objects.get(slug="professor-quill").pk)


def grant(user: User, tokens: int, key: str) -> None:
    """By a process that the server does not hear of: only beacon, poll or snapshot can tell."""
    ledger.grant(wallet_id=user.pk, tokens=tokens, key=key)


def number(page: Page) -> Locator:
    return page.locator("[data-nav] [data-available]").first


def expect_number(page: Page, text: int | str) -> None:
    """It is there, everywhere on the page."""
    shown = f"{text:,}" if isinstance(text, int) else text
    expect(number(page)).to_have_text(shown)
    for each in page.locator("[data-token-balance] [data-available]").all():
        expect(each).to_have_text(shown)


def seen(page: Page) -> set[str]:
    """All that was shown since WATCH, whose versions must never have gone back."""
    noted = page.evaluate("window.seen")
    versions = [version for _, version in noted if version]
    assert versions == sorted(versions)
    return {text for text, _ in noted}


def open_page(context: BrowserContext, path: str = "/chats/") -> Page:
    """A page that hears: what happens from here on reaches it."""
    page = context.new_page()
    open_connected(page, path)
    return page


def block(page: Page) -> None:
    """No WebSocket gets through, as behind a proxy that knows none."""
    page.route_web_socket(SOCKET, lambda route: route.close(code=1011))


def send(page: Page, text: str) -> None:
    page.locator("[data-composer] textarea").fill(text)
    page.keyboard.press("Enter")


def rename(page: Page, chat: Chat, title: str) -> None:
    """By the server, asked from that page."""
    page.evaluate(
        "([id, title]) => import('api').then(({ api }) => "
        "api('PATCH', `/api/chats/${id}`, { body: { title } }))",
        [str(chat.pk), title],
    )


# --- Faults of the line -------------------------------------------------------------------------


def test_without_websockets_a_change_comes_by_polling(alice: User, sign_in: SignIn) -> None:
    page = sign_in(alice).new_page()
    page.clock.install()
    block(page)
    page.goto("/chats/")
    expect_number(page, 10)

    def next_poll_shows(tokens: int) -> bool:
        page.clock.fast_forward(15_000)
        return number(page).inner_text() == str(tokens)

    for n, tokens in enumerate((15, 20)):
        grant(alice, 5, f"poll-{n}")
        until(page, partial(next_poll_shows, tokens))
        expect_number(page, tokens)


class BadLine:
    """Drops a quarter of the frames, doubles a fifth, and lets others overtake; not the beacons."""

    def __init__(self, route: WebSocketRoute, seed: int) -> None:
        self._random = random.Random(seed)
        self._route = route
        self._held: list[Any] = []
        self.faults = 0
        route.connect_to_server().on_message(self._heard)

    def _heard(self, frame: Any) -> None:
        if "balance.changed" not in frame:
            self._route.send(frame)
            return
        dice = self._random.random()
        self.faults += dice < 0.7
        if dice < 0.25:
            return
        if dice < 0.5:
            self._held.append(frame)
            return
        self._route.send(frame)
        if dice < 0.7:
            self._route.send(frame)
        while self._held:
            self._route.send(self._held.pop())


def test_frames_lost_doubled_and_out_of_order_are_right_after_a_beacon(
    alice: User, sign_in: SignIn
) -> None:
    context = sign_in(alice)
    lines: list[BadLine] = []
    page = context.new_page()
    page.add_init_script(ALONE)
    page.route_web_socket(SOCKET, lambda route: lines.append(BadLine(route, seed=4)))
    page.goto("/chats/")
    expect_number(page, 10)
    page.evaluate(WATCH)
    writer = open_page(context, f"/chats/{new_chat(alice).pk}/")
    for _ in range(3):
        send(writer, "Speak at length.")
        expect(writer.locator("[data-stop]")).to_be_visible()
        writer.locator("[data-stop]").click()
        expect(writer.locator("[data-stop]")).to_be_hidden()
    available = Wallet.objects.get(pk=alice.pk).available
    expect_number(page, available)
    assert lines[0].faults > 0
    assert {int(text) for text in seen(page)} <= set(range(6, 11))


def test_a_server_that_was_killed_and_came_back(
    alice: User, sign_in: SignIn, server: Server
) -> None:
    page = open_page(sign_in(alice))
    expect_number(page, 10)
    page.evaluate(WATCH)
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    server.kill()
    grant(alice, 7, "while-it-was-down")
    until(page, lambda: any("/api/payment/user/tokens" in url for url in failed))
    server.start()
    expect_number(page, 17)
    assert {"17"} < seen(page) <= {"10", "…", "?", *map(str, range(10, 18))}


def test_a_server_that_is_stopped_says_bye_and_no_page_says_a_word(
    alice: User, sign_in: SignIn, server: Server
) -> None:
    page = sign_in(alice).new_page()
    frames: list[dict[str, Any]] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda text: frames.append(json.loads(text))),
    )
    open_connected(page, f"/chats/{new_chat(alice).pk}/")
    expect_number(page, 10)
    page.evaluate(WATCH)
    page.evaluate(WATCH_WORDS)
    # However long the server takes, no number becomes too old to be shown.
    page.clock.set_fixed_time(page.evaluate("Date.now()") / 1_000)
    assert server.stop() == 0
    try:
        grant(alice, 7, "while-it-was-down")
        until(page, lambda: frames[-1]["type"] == "bye")
        assert 500 <= frames[-1]["retry_ms"] <= 2_500
        expect_number(page, 10)
    finally:
        server.start()
    expect_number(page, 17)
    until(page, lambda: "17 tokens available" in page.evaluate(WORDS))
    until(page, lambda: frames[-1]["type"] != "bye")
    types = [frame["type"] for frame in frames if frame["type"] != "balance.beacon"]
    assert types[:3] == ["balance.snapshot", "bye", "balance.snapshot"]
    grant(alice, 1, "afterwards")
    expect_number(page, 18)
    assert {"10", "17", "18"} <= seen(page) <= {*map(str, range(10, 19))}
    said = page.evaluate(WORDS)
    for failure in ("could not be", "connection to the reply", "Loading", "signed out"):
        assert failure not in said
    expect(page.locator("[data-toasts]")).to_be_empty()


def test_a_line_that_died_in_its_sleep_is_found_on_waking(alice: User, sign_in: SignIn) -> None:
    page = sign_in(alice).new_page()
    page.clock.install()
    heard: list[Any] = []

    def fall_silent(route: WebSocketRoute) -> None:
        """The first line brings a snapshot, then nothing, and no close either."""
        upstream = route.connect_to_server()
        if heard:
            return

        def pass_on(frame: Any) -> None:
            if not heard:
                route.send(frame)
            heard.append(frame)

        upstream.on_message(pass_on)

    page.route_web_socket(SOCKET, fall_silent)
    page.emulate_media(reduced_motion="reduce")  # counting up takes timers
    page.goto("/chats/")
    expect_number(page, 10)
    grant(alice, 3, "while-asleep")
    page.clock.pause_at(page.evaluate("Date.now()") / 1_000 + 3_600)
    expect_number(page, 13)  # by what it does on waking: no timer runs after that


def test_a_hidden_tab_rests_and_is_right_as_soon_as_it_comes_back(
    alice: User, sign_in: SignIn
) -> None:
    page = sign_in(alice).new_page()
    sockets: list[Any] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.clock.install()
    page.emulate_media(reduced_motion="reduce")  # counting up takes timers
    open_connected(page, "/chats/")
    expect_number(page, 10)
    page.evaluate(HIDE, True)
    page.clock.fast_forward(61_000)
    until(page, lambda: sockets[0].is_closed())
    awake = open_page(sign_in(alice))  # elsewhere: a beacon, or a frame, has told all that hear
    grant(alice, 2, "while-hidden")
    expect_number(awake, 12)
    assert len(sockets) == 1
    expect(number(page)).to_have_text("10")
    stop_timers(page)
    page.evaluate(HIDE, False)
    expect_number(page, 12)


# --- The tabs of one browser --------------------------------------------------------------------


def test_a_tab_without_a_socket_hears_it_from_the_other(alice: User, sign_in: SignIn) -> None:
    context = sign_in(alice)
    deaf = context.new_page()
    block(deaf)
    deaf.route("**/api/payment/user/tokens", lambda route: route.abort())  # nor by polling
    deaf.goto("/chats/")
    expect_number(deaf, 10)
    writer = open_page(context, f"/chats/{new_chat(alice).pk}/")
    send(writer, "Hello.")
    expect_number(writer, 9)
    expect_number(deaf, 9)


def sign_out(page: Page) -> None:
    page.locator("[data-nav] [data-menu] summary").last.click()
    page.get_by_role("button", name="Sign out").click()


@pytest.mark.parametrize("blocked", [False, True], ids=["socket", "no-socket"])
def test_signing_out_in_one_tab_empties_the_others(
    alice: User, sign_in: SignIn, blocked: bool
) -> None:
    context = sign_in(alice)
    other = context.new_page()
    other.clock.install()
    if blocked:
        block(other)
    other.goto(f"/chats/{new_chat(alice).pk}/")
    one = context.new_page()
    one.goto("/chats/")
    expect_number(other, 10)
    stop_timers(other)
    sign_out(one)
    expect_home(one)
    expect_number(other, "–")
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()


def test_the_next_person_at_this_browser_never_sees_the_last_number(
    alice: User, sign_in: SignIn
) -> None:
    grant(alice, 7_767, "rich")
    context = sign_in(alice)
    page, left_open = context.new_page(), context.new_page()
    page.goto("/chats/")
    expect_number(page, 7777)
    block(left_open)
    left_open.goto("/payment/")
    sign_out(page)
    expect_home(page)
    expect_number(left_open, "–")
    left_open.evaluate(WATCH)
    bobs: Any = sign_in(make_user()).cookies()
    context.add_cookies(bobs)  # he signs in
    page.goto("/chats/")
    expect_number(page, 10)
    expect_number(left_open, "–")
    assert seen(left_open) == {"–"}
    for _ in range(2):
        page.go_back()
        expect(page.locator("body")).not_to_contain_text(re.compile("7,?777"))


@pytest.fixture(scope="module")
def browser_that_remembers(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Browser]:
    """With its back/forward cache, which Playwright's own goes without, and a headless shell has
    not got."""
    if (path := chromium_path(whole=True)) is None:
        pytest.skip("No Chromium on this machine but its headless shell.")
    options = {
        **browser_type_launch_args,
        "executable_path": path,
        "ignore_default_args": ["--disable-back-forward-cache"],
    }
    with browser_type.launch(**options) as browser:
        yield browser


@pytest.fixture
def remembering(browser_that_remembers: Browser, server: Server) -> Iterator[BrowserContext]:
    with browser_that_remembers.new_context(base_url=server.url) as context:
        context.set_default_timeout(PATIENCE_SECS * 1_000)
        yield context


def leave_and_come_back(page: Page, user: User, sign_in: SignIn) -> None:
    """Elsewhere and back, with `user` signed in meanwhile; from the cache, as the browser says."""
    page.evaluate(WATCH)
    came: list[bool] = []  # not kept in the page, which may load itself anew at once
    page.expose_function("cameBack", lambda persisted: came.append(persisted))
    page.evaluate(
        "addEventListener('pagehide', () => { window.left = window.seen.length });"
        "addEventListener('pageshow', event => { cameBack(event.persisted) })"
    )
    page.goto("/healthz")
    cookies: Any = sign_in(user).cookies()
    page.context.add_cookies(cookies)
    page.go_back(wait_until="commit")
    until(page, lambda: came)
    assert came == [True]


def test_back_in_the_cache_the_last_persons_page_is_gone(
    alice: User, sign_in: SignIn, remembering: BrowserContext
) -> None:
    grant(alice, 7_767, "rich")
    rename_chat(chat=new_chat(alice), title="Alice's own")
    cookies: Any = sign_in(alice).cookies()
    remembering.add_cookies(cookies)
    page = open_page(remembering)
    expect_number(page, 7777)
    expect(page.locator("body")).to_contain_text("Alice's own")
    shown: list[str] = []
    page.expose_function("report", lambda text: shown.append(text))
    page.evaluate(
        "addEventListener('pageshow', () => import('payments/balance-store').then(({ store }) =>"
        " store.subscribe(({ shown }) => report(String(shown)))))"
    )
    leave_and_come_back(page, make_user(), sign_in)
    expect_number(page, 10)  # the other's own, on a page of theirs
    expect(page.locator("body")).not_to_contain_text("Alice's own")
    assert {*shown} == {"null"}


def test_back_in_the_cache_the_same_persons_page_is_right_and_live(
    alice: User, sign_in: SignIn, remembering: BrowserContext
) -> None:
    cookies: Any = sign_in(alice).cookies()
    remembering.add_cookies(cookies)
    page = open_page(remembering)
    expect_number(page, 10)
    leave_and_come_back(page, alice, sign_in)
    expect_number(page, 10)
    assert {text for text, _ in page.evaluate("window.seen.slice(window.left)")} <= {"…", "10"}
    grant(alice, 5, "afterwards")
    expect_number(page, 15)  # a beacon: it has its socket again
    other = open_page(remembering)
    sign_out(other)
    expect(page.locator("[data-toasts]")).to_contain_text("You are signed out.")


def test_a_line_that_comes_back_as_somebody_else_shows_nothing_of_theirs(
    alice: User, sign_in: SignIn
) -> None:
    bob = make_user()
    grant(bob, 7_767, "rich")
    chat = new_chat(bob)
    context = sign_in(alice)
    page = context.new_page()
    page.add_init_script(ALONE)  # no other tab says who is here now
    lines: list[WebSocketRoute] = []
    closed: list[WebSocketRoute] = []

    def connect(route: WebSocketRoute) -> None:
        lines.append(route)
        server = route.connect_to_server()

        def close(code: int | None, reason: str | None) -> None:
            closed.append(route)
            server.close(code=code, reason=reason)

        route.on_close(close)

    page.route_web_socket(SOCKET, connect)
    page.goto("/chats/")
    expect_number(page, 10)
    page.evaluate(WATCH)
    his = sign_in(bob)
    his_page = open_page(his)
    cookies: Any = his.cookies()
    context.add_cookies(cookies)
    until(page, lambda: lines)
    lines[0].close(code=1012)
    expect_number(page, "–")
    rename(his_page, chat, "Bob's own")  # the server itself tells all that are his
    expect(titles(his_page, "[data-chats]")).to_have_text(["Bob's own"])
    until(page, lambda: lines[1:] and {*lines[1:]} <= {*closed})  # it hears nothing any more
    assert seen(page) == {"10", "–"}
    expect(titles(page, "[data-recent-chats]")).to_have_count(0)
    expect(titles(page, "[data-chats]")).to_have_count(0)


def test_a_suspended_person_is_told_and_sees_no_number(alice: User, sign_in: SignIn) -> None:
    page = open_page(sign_in(alice), f"/chats/{new_chat(alice).pk}/")
    expect_number(page, 10)
    page.evaluate(WATCH)
    page.evaluate(WATCH_WORDS)
    asked: list[Route] = []
    page.route("**/api/payment/user/tokens", lambda route: asked.append(route))
    suspend(user=alice)  # by another process without Redis: the beacon's pass closes the socket
    until(page, lambda: asked)
    expect_number(page, "…")  # while the server is slow to say why
    assert len(asked) == 1
    asked[0].continue_()
    expect_number(page, "–")
    expect(page.locator("[data-toasts]")).to_contain_text("Your account is suspended")
    assert seen(page) == {"10", "…", "–"}
    said = page.evaluate(WORDS)
    assert "Loading the balance" in said
    assert "Your account is suspended" in said
    assert "signed out" not in said


# --- News of chats ------------------------------------------------------------------------------


def test_a_reply_asked_for_in_one_tab_grows_in_the_other(alice: User, sign_in: SignIn) -> None:
    chat = new_chat(alice)
    context = sign_in(alice)
    one, two = (open_page(context, f"/chats/{chat.pk}/") for _ in range(2))
    send(one, "Speak at length.")
    asked = two.locator("[data-role=user]")
    expect(asked).to_have_text(re.compile("Speak at length."))
    expect(two.locator("[data-role=assistant][data-status=streaming]")).to_have_count(1)
    for page in (one, two):
        expect(page.locator("[data-role=assistant] [data-content]").last).to_contain_text("word4")
    two.locator("[data-stop]").click()
    for page in (one, two):
        expect(page.locator("[data-stop]")).to_be_hidden()
        expect(page.locator("[data-role=assistant] [data-receipt]").last).to_contain_text("1 token")
        expect(page.locator("[data-role=user]")).to_have_count(1)
        expect(page.locator("[data-role=assistant]")).to_have_count(2)
    texts = [page.locator("[data-role=assistant] [data-content]").last for page in (one, two)]
    assert texts[0].inner_text() == texts[1].inner_text()
    send(two, "Speak at length from here.")
    expect(one.locator("[data-role=user]")).to_have_count(2)
    expect(one.locator("[data-stop]")).to_be_visible()
    send(one, "Typed meanwhile.")  # kept: one reply at a time
    expect(one.locator("[data-composer] textarea")).to_have_value("Typed meanwhile.")
    one.locator("[data-stop]").click()
    for page in (one, two):
        expect(page.locator("[data-stop]")).to_be_hidden()


def titles(page: Page, place: str) -> Locator:
    return page.locator(f"{place} [data-chat-title]")


def test_lists_follow_activity_new_titles_and_deletions(alice: User, sign_in: SignIn) -> None:
    quill = new_chat(alice)
    others = list(Character.objects.exclude(slug="professor-quill")[:2])
    first, second = (create_chat(user=alice, character_id=character.pk) for character in others)
    context = sign_in(alice)
    listing = open_page(context)
    writer = open_page(context, f"/chats/{quill.pk}/")
    before = [second.title, first.title, quill.title]
    rows, recent = titles(listing, "[data-chats]"), titles(listing, "[data-recent-chats]")
    expect(rows).to_have_text(before)
    send(writer, "Speak at length.")
    for place in (rows, recent, titles(writer, "[data-recent-chats]")):
        expect(place).to_have_text([quill.title, second.title, first.title])
    writer.locator("[data-stop]").click()
    expect(writer.locator("[data-stop]")).to_be_hidden()
    expect(listing.locator("[data-chats] time").first).to_have_text("just now")

    rename(writer, quill, "Tides & moons")
    for place in (rows, recent):
        expect(place).to_have_text(["Tides & moons", second.title, first.title])
    expect(writer.locator("[data-chat-title]").first).to_have_text("Tides & moons")
    expect(writer).to_have_title(re.compile("^Tides & moons"))

    row = listing.locator(f"[data-chat-row='{quill.pk}']")
    note(listing.locator("[data-toasts]"))
    row.locator("summary").click()
    row.locator("[data-delete-chat]").click()
    listing.locator("dialog").get_by_role("button", name="Delete").click()
    for place in (rows, recent, titles(writer, "[data-recent-chats]")):
        expect(place).to_have_text([second.title, first.title])
    expect(writer.get_by_text("This chat was deleted elsewhere.")).to_be_visible()
    expect_noted(listing, "The chat was deleted.")


def test_a_finished_reply_stands_in_the_lists_without_a_request(
    alice: User, sign_in: SignIn
) -> None:
    chat = new_chat(alice)
    Chat.objects.filter(pk=chat.pk).update(updated_at=timezone.now() - timedelta(hours=2))
    context = sign_in(alice)
    listing = context.new_page()
    listing.clock.install()
    open_connected(listing, "/chats/")
    row = listing.locator(f"[data-chat-row='{chat.pk}']")
    expect(row.locator("time")).to_have_text("2 h ago")
    expect_number(listing, 10)
    asked: list[str] = []
    listing.on("request", lambda request: asked.append(request.url))
    writer = open_page(context, f"/chats/{chat.pk}/")
    before = row.locator("[data-last]").inner_text()
    send(writer, "Speak at length.")
    expect(writer.locator("[data-role=assistant]").last).to_contain_text("word4")
    writer.locator("[data-stop]").click()
    expect(row.locator("[data-last]")).not_to_have_text(before)
    said = preview(Message.objects.filter(chat=chat, role="assistant").last().content)  # type: ignore[union-attr]
    for place in (row, listing.locator("[data-recent-chats]"), writer.locator("[data-sidebar]")):
        expect(place.locator("[data-last]")).to_have_text(said)
    expect(row.locator("time")).to_have_text("just now")
    listing.clock.fast_forward(1_000)  # longer than the moment after which a list asks
    asked = what_was_asked(listing, asked)
    lists = [url for url in asked if "/api/payment/" not in url]  # a beacon may ask for tokens
    assert lists == []


def test_a_chat_begun_in_another_tab_appears(alice: User, sign_in: SignIn) -> None:
    context = sign_in(alice)
    listing, other = open_page(context), open_page(context, "/characters/")
    expect(titles(listing, "[data-chats]")).to_have_count(0)
    character = Character.objects.get(slug="professor-quill")
    other.evaluate(
        "id => import('api').then(({ api }) => "
        "api('POST', '/api/chats', { body: { character_id: id } }))",
        str(character.pk),
    )
    expect(titles(listing, "[data-chats]")).to_have_text([character.name])
    expect(titles(listing, "[data-recent-chats]")).to_have_text([character.name])
    assert listing.locator("[data-chats] time").get_attribute("title"), "told with the rest"
    expect(titles(other, "[data-recent-chats]")).to_have_text([character.name])
