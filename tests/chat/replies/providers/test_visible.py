"""What must not reach the reader does not, and what is said does, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.replies.providers.reasoning import CLOSING
from chat.replies.providers.visible import VisibleText, is_visible

pytestmark = pytest.mark.once


def shown(chunks: list[str]) -> str:
    """What a reader has on the screen at the end."""
    visible, text = VisibleText(), ""
    for piece in [*map(visible.feed, chunks), visible.end()]:
        text = piece.text if piece.replaces else text + piece.text
    return text


def assert_shown(text: str, expected: str) -> None:
    assert shown([text]) == expected
    assert shown(list(text)) == expected


TEXT = [
    ("1 < 2 and <th is no tag <", "1 < 2 and <th is no tag <"),
    ("<thinks aloud>", "<thinks aloud>"),
    ("<thin", "<thin"),
    ("  \n Hello", "Hello"),
    ("nul\x00l", "null"),
    ("\ud83c\udf0d", "🌍"),
    ("a\ud83c", "a\ufffd"),
    ("\udf0da", "\ufffda"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), TEXT)
def test_text_is_shown_from_its_first_visible_character(text: str, expected: str) -> None:
    assert_shown(text, expected)


@pytest.mark.parametrize("opening", CLOSING)
def test_every_common_name_of_the_tag_at_the_beginning_is_reasoning(opening: str) -> None:
    closing = CLOSING[opening]
    for thought in (f"{opening}secret{closing}", f"{opening.upper()}secret{closing.title()}"):
        assert_shown(f"{thought}Hello", "Hello")
        assert_shown(f" \n{thought}\n\n{thought} Hello\n", "Hello\n")
    assert_shown(f"{opening}never closed, hello", "")


IN_WHAT_IS_SAID = [
    "One <think>a</think>two <think>b</think>three",
    "Hello <think>never closed",
    "The model writes <think> first and </think> last.",
    "Between `<think>` and `</think>` it thinks.",
    "It ends with `</think>` and then speaks.",
    "It ends with ``a ` </think>`` and then speaks.",
    'It ends with "</think>", and then speaks.',
    "It ends with “</think>” and then speaks.",
    "The tag </think> ends it.",
    "It ends with </think>, always.",
    "它以“</think>”结束。",
    "```xml\n<think>\nsecret\n</think>\n```\nThat is all.",
    "Like so:\n\n~~~\n</think>\n~~~\nThat is all.",
    "`<think>` is a tag.",
    "[THINKING aloud] Hello. [/THINK, he said]",
]


@pytest.mark.parametrize("text", IN_WHAT_IS_SAID)
def test_a_tag_in_prose_or_code_is_what_is_said(text: str) -> None:
    assert_shown(text, text)


ORPHANS = [
    ("I should greet them.\n</think>\n\nHello!", "Hello!"),
    ("I should greet them.</think>Hello!", "Hello!"),
    ("I should greet them. </think> Hello!", "Hello!"),
    ("First.\n\nThen `code`.\n</thinking>\nHello!", "Hello!"),
    ("secret[/THINK]你好", "你好"),
    ("secret◁/think▷Hello", "Hello"),
    ("secret</think><think>more</think>Hello", "Hello"),
    ("secret</think>One `</think>` two </think> three", "One `</think>` two </think> three"),
    ("only thoughts</think>", ""),
]


@pytest.mark.parametrize(("text", "expected"), ORPHANS)
def test_an_orphan_closing_tag_replaces_what_was_shown(text: str, expected: str) -> None:
    assert_shown(text, expected)


def test_a_closing_tag_after_reasoning_is_what_is_said() -> None:
    assert_shown("<think>a</think>One</think>two", "One</think>two")


PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "[THINK]",
        "[/think]",
        "<",
        "think>",
        "é",
        " ",
        "`",
        "\n",
        "🌍",
        "a",
        "B.",
    ]
)


@given(st.lists(PIECES))
def test_the_cuts_do_not_matter(parts: list[str]) -> None:
    whole = "".join(parts)
    assert shown(parts) == shown([whole]) == shown(list(whole))


@given(st.text(st.characters(codec="utf-8", exclude_characters="<[◁\x00")))
def test_all_other_text_passes_unchanged(text: str) -> None:
    seen = shown(list(text))
    assert text.endswith(seen)
    assert not is_visible(text[: len(text) - len(seen)])
    assert seen == "" or is_visible(seen[0])


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u2060 \ufeff"])
def test_spaces_and_format_marks_are_nothing_to_see(text: str) -> None:
    assert not is_visible(text)
