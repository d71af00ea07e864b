"""What must not reach the reader does not, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.replies.providers.visible import VisibleText, is_visible


def shown(chunks: list[str]) -> str:
    visible = VisibleText()
    return "".join([*map(visible.feed, chunks), visible.end()])


CASES = [
    ("<think>secret</think>Hello", "Hello"),
    ("\n<think>\nsecret\n</think>\n\nHello\n", "Hello\n"),
    ("One <think>a</think>two <think>b</think>three", "One two three"),
    ("Hello <think>never closed", "Hello "),
    ("1 < 2 and <th is no tag <", "1 < 2 and <th is no tag <"),
    ("<thinking aloud>", "<thinking aloud>"),
    ("  \n Hello", "Hello"),
    ("nul\x00l", "null"),
    ("\ud83c\udf0d", "🌍"),
    ("a\ud83c", "a\ufffd"),
    ("\udf0da", "\ufffda"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_in_one_piece_and_character_by_character(text: str, expected: str) -> None:
    assert shown([text]) == expected
    assert shown(list(text)) == expected


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "think>", "é", " ", "🌍", "a"])))
def test_the_cuts_do_not_matter(parts: list[str]) -> None:
    whole = "".join(parts)
    assert shown(parts) == shown([whole]) == shown(list(whole))


@given(st.text(st.characters(codec="utf-8", exclude_characters="<\x00")))
def test_all_other_text_passes_unchanged(text: str) -> None:
    assert shown(list(text)) == (text.lstrip() if is_visible(text) else "")


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u2060 \ufeff"])
def test_spaces_and_format_marks_are_nothing_to_see(text: str) -> None:
    assert not is_visible(text)
