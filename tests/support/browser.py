"""Looking at a page without being quick: what was shown for a moment, and what needs no timer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page

PATIENCE_SECS = 60
NOTE = """element => {
    window.noted = [element.textContent];
    new MutationObserver(() => window.noted.push(element.textContent)).observe(element, {
        subtree: true, childList: true, characterData: true,
    });
}"""
REST = """element => new Promise(resolve => {
    let last = NaN;
    let frames = 0;
    const look = () => {
        frames = element.scrollTop === last ? frames + 1 : 0;
        last = element.scrollTop;
        if (frames < 20) requestAnimationFrame(look);
        else resolve(last);
    };
    look();
})"""


def until(page: Page, holds: Callable[[], Any]) -> None:
    """Wait until `holds()`, while the page and its routes go on."""
    deadline = time.monotonic() + PATIENCE_SECS
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        page.wait_for_timeout(50)


def what_was_asked(page: Page, asked: list[str]) -> list[str]:
    """The addresses in `asked`, which its "request" handler fills, when all that the page has asked
    for so far are among them: its requests are told in their order."""
    page.evaluate("fetch('/healthz?last')")
    until(page, lambda: any(url.endswith("/healthz?last") for url in asked))
    return [url for url in asked if not url.endswith("/healthz?last")]


def note(place: Locator) -> None:
    """Remember every text that is shown there from now on; one place a page."""
    place.evaluate(NOTE)


def expect_noted(page: Page, text: str) -> None:
    """It is shown there, or was, however briefly."""
    until(page, lambda: any(text in one for one in page.evaluate("window.noted")))


def at_rest(scroller: Locator) -> float:
    """Where it is, once it has stopped scrolling."""
    return scroller.evaluate(REST)


def stop_timers(page: Page) -> None:
    """From here on no timer of this browser's pages runs, so what they do they do at once, and
    not by polling. Needs `page.clock.install()` before the page is opened."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1_000 + 60)  # it takes seconds


def open_connected(page: Page, path: str) -> None:
    """Open a page and wait for its socket's first frame: it has joined its person's group."""
    frames: list[Any] = []
    hear = lambda frame: frames.append(frame)  # noqa: E731  Playwright marks it, which a builtin does not bear
    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    page.goto(path)
    until(page, lambda: frames)


def expect_home(page: Page) -> None:
    """It is at `/`, and loaded. (A pattern that only ends so fits most of our addresses.)"""
    page.wait_for_url(lambda url: urlsplit(url).path == "/")
