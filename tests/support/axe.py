"""What axe-core finds wrong with a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = """async options => {
    // A change of scheme is a transition of every colour, however short, one level a frame.
    for (let still = 0; still < 3; still = document.getAnimations().length ? 0 : still + 1) {
        await new Promise(requestAnimationFrame);
    }
    const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
    return violations.map(({ id, nodes }) => [id, nodes[0].html]);
}"""
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def violations(page: Page) -> list[Any]:
    """Rule, first element, and the colour scheme in which it was found. In the dark only colours
    are looked at: nothing else of a page depends on the scheme."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # nothing is half faded in
    page.evaluate(AXE_SCRIPT)
    found = [[*each, "light"] for each in page.evaluate(RUN, {})]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found + [[*each, "dark"] for each in page.evaluate(RUN, OF_COLOURS)]
