"""What must not reach the reader does not, and what is said does, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.replies.providers.reasoning import ASIDE_MAX_CHARS, CLOSING
from chat.replies.providers.visible import VisibleText
from intellispark.text import has_visible

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
]


@pytest.mark.parametrize(("text", "expected"), ORPHANS)
def test_an_orphan_closing_tag_replaces_what_was_shown(text: str, expected: str) -> None:
    assert_shown(text, expected)


WITHOUT_A_REPLY_BEHIND = [
    "",
    "\n",
    "  ",
    "\u3164\u0301",
    "<think>",
    "<think>more</think>\n",
    "<think>more",
]


@pytest.mark.parametrize("behind", WITHOUT_A_REPLY_BEHIND)
@pytest.mark.parametrize("before", ["A long answer.", "A long answer.\n"])
def test_what_was_shown_is_taken_back_only_for_a_reply_behind_it(before: str, behind: str) -> None:
    for text in (before + "</think>" + behind, before + "<|channel|>final<|message|>" + behind):
        for chunks in ([text], list(text)):
            assert shown(chunks).startswith(before)
            assert "more" not in shown(chunks)


NESTED = [
    ("<think>a<think>b</think> c</think>", ""),
    ("<think>a<think>b</think> c</think>Hello", "Hello"),
    ("<THINK>a\n<think>\nb</Think>c<think>d</think></think>\nHello", "Hello"),
    ("<think><think>twice</think>Hello", "Hello"),
    ("<think>\n<think>\ntwice</think>Hello </think>", "Hello </think>"),
    ("<think>About the <think> tag.</think>Hello </think>", "Hello </think>"),
    ("<think>About `<think>`, yes.</think>Hello </think>", "Hello </think>"),
    ("<think>a<think>b</think>Hello", "Hello"),
    (f"<think>a<think>b</think>{'Hello ' * ASIDE_MAX_CHARS}", "Hello " * ASIDE_MAX_CHARS),
    ("secret</think><think>a<think>b</think>c</think>Hello", "Hello"),
]


@pytest.mark.parametrize(("text", "expected"), NESTED)
def test_a_thought_inside_a_thought_is_reasoning(text: str, expected: str) -> None:
    assert_shown(text, expected)


def test_what_may_still_be_reasoning_waits_for_no_longer_than_its_bound() -> None:
    visible = VisibleText()
    visible.feed("<think>a<think>b</think>Hello")
    shown_at_once = visible.feed(" you" * (ASIDE_MAX_CHARS // 4))
    assert shown_at_once.text.startswith("Hello you")


HARMONY = [
    "<|channel|>analysis<|message|>secret<|end|><|start|>assistant",
    "<|start|>assistant<|channel|>analysis<|message|>secret<|end|><|start|>assistant"
    "<|channel|>commentary<|message|>more secret<|end|><|start|>assistant"
    "<|channel|>analysis<|message|>still<|end|><|start|>assistant",
    "",
]


@pytest.mark.parametrize("thoughts", HARMONY)
def test_the_analysis_of_harmony_is_reasoning(thoughts: str) -> None:
    assert_shown(f"{thoughts}<|channel|>final<|message|>Hello", "Hello")
    if thoughts:
        assert_shown(thoughts, "")


def test_a_closing_tag_after_reasoning_is_what_is_said() -> None:
    assert_shown("<think>a</think>One</think>two", "One</think>two")


PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "[THINK]",
        "<|channel|>analysis<|message|>",
        "<|channel|>final<|message|>",
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
    assert not has_visible(text[: len(text) - len(seen)])
    assert seen == "" or has_visible(seen[0])
