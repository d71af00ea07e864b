"""Replies are rendered, whatever they try stays text, and what comes out is bounded."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.conversations import markdown
from chat.conversations.markdown import MAX_MARKS, MAX_TAGS, TAGS, max_chars, plain, render
from chat.conversations.open_marks import close_open_marks
from tests.support.markdown import CORPUS, Seen, built

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("text", "html"), CORPUS["rendered"])
def test_it_renders_the_corpus(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize(("text", "closed"), CORPUS["open"])
def test_what_a_cut_left_open_is_closed(text: str, closed: str) -> None:
    assert close_open_marks(text) == closed
    assert close_open_marks(closed) == closed


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](vbscript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://a.example/pixel.gif)",
        '[x](https://a.example "onmouseover=alert(1)")',
        '[x](https://a.example" onmouseover="alert(1))',
        '<https://a.example/" onclick=alert(1)>',
        '```x" onload="alert(1)\n```',
        "```language-x onload=alert(1)\n```",
        "<svg/onload=alert(1)>",
        "<iframe src=//evil.example></iframe>",
        "<style>*{display:none}</style>",
        "a\n<!-- comment -->",
        "|a|\n|-|\n|<b onclick=alert(1)>x</b>|",
    ],
)
def test_it_lets_nothing_through(text: str) -> None:
    seen = Seen(render(text))
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert {name for name, _ in attributes} <= {
            *("href", "title", "target", "rel", "class", "dir")
        }
        for name, value in attributes:
            assert name != "href" or (value or "").startswith("https://a.example")
            assert name != "class" or value in ("language-x", "language-language-x")
    assert not seen.comments


def assert_bounded(text: str) -> None:
    html = render(text)
    assert len(html) <= max_chars(text)
    if html != plain(text):
        assert len(Seen(html).tags) <= MAX_TAGS


@pytest.mark.parametrize("pieces", CORPUS["bounds"].values(), ids=CORPUS["bounds"].keys())
def test_a_text_that_would_become_too_much_stays_plain(pieces: list) -> None:
    text = built(pieces)
    assert render(text) == plain(text)
    assert_bounded(text)


@pytest.mark.parametrize("pieces", CORPUS["within"].values(), ids=CORPUS["within"].keys())
def test_what_a_reader_would_read_is_rendered(pieces: list) -> None:
    text = built(pieces)
    assert render(text) != plain(text)
    assert_bounded(text)


MARKS = st.sampled_from(
    ["|a", "|", "|-", "\n", "\n\n", "- ", "> ", "*", "**a", "`", "[a]", "](b)", "<http://a>", "1. "]
)


@given(st.lists(st.tuples(MARKS, st.integers(1, 600)), min_size=1, max_size=8))
def test_no_text_becomes_more_than_its_bounds(pieces: list[tuple[str, int]]) -> None:
    assert_bounded(built(pieces))


MAKERS = st.sampled_from(
    [
        "|",
        "|\n|-|\n",
        "|a|b\n|-|-\n",
        "\n",
        "\n\n",
        "- ",
        "> ",
        "*",
        "`",
        "\n```",
        "[",
        "](/b)",
        "]: /c ",
        "'",
        "#",
        "\\",
    ]
)
WORDS = [f"q{a}{b}q" for a in "abcdefgh" for b in "abcd"]


@given(st.lists(st.tuples(MAKERS, st.integers(1, 24), st.booleans()), min_size=1, max_size=32))
@example([(">", 20, True), ("\n\n", 1, True)])
@example([("- ", 21, True)])
@example([("[", 1, True), ("]: /c ", 1, False), ("'", 1, True), ("'", 1, False)])
@example([("|\n|-|\n", 1, True), ("|", 1, True), ("|", 1, True)])
@example([("\n```", 1, True), (" ", 1, True)])
def test_rendering_never_loses_words(pieces: list[tuple[str, int, bool]]) -> None:
    said = iter(WORDS)
    parts = [(mark * times, next(said) if speaks else "") for mark, times, speaks in pieces]
    seen = Seen(render("".join(mark + word for mark, word in parts)))
    shown = str(seen.parts)  # an address or a title of a link counts as shown
    assert [word for _, word in parts if word not in shown] == []


def test_cells_are_counted_before_any_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(state: object, start: int, end: int, silent: bool) -> bool:
        made.append(0 if silent else 1)
        return True

    monkeypatch.setattr(markdown, "table", counted)
    render(built(CORPUS["bounds"]["cells that a wide head makes of short rows"]))
    assert made
    assert not sum(made)


def test_a_text_with_too_many_marks_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "_markdown", None)
    assert render("*a" * (MAX_MARKS + 1)).startswith('<p dir="auto">*a*a')


def test_plain_text_keeps_its_paragraphs_and_breaks() -> None:
    assert plain("a <b>\nc & d\n\n\ne") == (
        '<p dir="auto">a &lt;b&gt;<br>\nc &amp; d</p>\n<p dir="auto">e</p>\n'
    )
