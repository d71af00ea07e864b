"""The page shows a growing reply as the server will show the whole one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.conversations.markdown import render
from chat.conversations.open_marks import close_open_marks
from tests.support.markdown import CORPUS, NODE, PageRenderer, Seen, built, page_renderer

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(NODE is None, reason="node is not on this machine"),
]

PIECES = [
    *("*", "**", "_", "__", "~~", "`", "``", "\n```\n", "a", "b c", " ", "\n", "\n\n", "\t"),
    *("- ", "1. ", "> ", "# ", "|", "|-|\n", "[", "](", "]", "(", ")", "<", ">", "![", "\\"),
    *("[a](https://example.com/a_b)", "<https://example.com>", "javascript:x", "ftp://a", "&amp;"),
    *(
        "你好",
        "，",
        "。",
        "“",
        "”",
        "（",
        "）",
        "👍",
        "é",
        "مرحبا",
        "\u3000",
        "葛\U000e0100",
        "---",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@pytest.fixture(scope="module")
def browser_side() -> Iterator[PageRenderer]:
    with page_renderer() as found:
        yield found


def assert_same(browser_side: PageRenderer, text: str) -> None:
    found = browser_side.ask(text)
    assert Seen(found["html"]).parts == Seen(render(text)).parts
    assert found["closed"] == close_open_marks(text)


@given(TEXTS)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_rendered_alike(browser_side: PageRenderer, text: str) -> None:
    assert_same(browser_side, text)


@pytest.mark.parametrize("group", ["rendered", "open"])
def test_the_corpus_is_rendered_alike(browser_side: PageRenderer, group: str) -> None:
    for text, _ in CORPUS[group]:
        assert_same(browser_side, text)


@pytest.mark.parametrize("group", ["bounds", "within"])
def test_the_bounds_are_the_same(browser_side: PageRenderer, group: str) -> None:
    for pieces in CORPUS[group].values():
        assert_same(browser_side, built(pieces))
