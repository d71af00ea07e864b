"""Counts, ages, previews and initials in the reader's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from intellispark import text as format_text
from intellispark.templatetags.format import ago, compact, initials, preview, spaced, spoken


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1_000, "1k"), (4_123, "4.1k"), (12_900, "12k"), (999_950, "999k")],
)
def test_counts_are_short_and_never_rounded_up(number: int, shown: str) -> None:
    assert compact(number) == shown


def test_counts_go_by_ten_thousands_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert compact(9_999) == "9999"
        assert compact(12_345) == "1.2万"


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
    ],
)
def test_ages_are_in_words(age: timedelta, shown: str) -> None:
    assert ago(timezone.now() - age) == shown


def test_old_times_are_dates() -> None:
    assert ago(datetime(2020, 11, 20, 12, tzinfo=UTC)) == "November 20, 2020"
    with translation.override("zh-hans"):
        assert ago(datetime(2020, 3, 5, 12, tzinfo=UTC)) == "2020年3月5日"
    assert ago(None) == ""


def test_previews_are_one_line_without_marks() -> None:
    assert preview("*She nods.*\n\n**Yes**, `x`\n- one") == "She nods. Yes, x one"
    assert preview(None) == ""
    assert len(preview("word " * 100)) == 140


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("给Orin发消息…", "给 Orin 发消息…"),
        ("关于XN-7", "关于 XN-7"),
        ("Zoë的回复", "Zoë 的回复"),
        ("给 Orin 发消息", "给 Orin 发消息"),
        ("“Orin”的操作", "“Orin”的操作"),
        ("雪栈掌柜由纪的回复", "雪栈掌柜由纪的回复"),
        ("Message Orin…", "Message Orin…"),
    ],
)
def test_han_and_latin_words_stand_apart(text: str, shown: str) -> None:
    assert spaced(text) == shown


def test_spoken_skips_the_stage_direction() -> None:
    assert spoken("*Snow comes in.*\n\nSit there.\n\nMore.") == "Sit there."
    assert spoken("*Only this.*") == "Only this."
    assert spoken("") == ""


@pytest.mark.parametrize(
    ("name", "letters"),
    [("mara_kline", "MK"), ("alice", "AL"), ("x", "X"), ("雪栈掌柜", "雪"), ("...", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("text", ["a" + "\n" * 9_998 + "b", "- " * 5_000, " \n" * 50_000])
def test_a_preview_reads_only_the_beginning(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    marks = format_text._MARKS

    class Marks:
        def sub(self, mark: str, found: str) -> str:
            read.append(len(found))
            return marks.sub(mark, found)

    monkeypatch.setattr(format_text, "_MARKS", Marks())
    assert preview(text) == preview(text[:1_000])
    assert max(read) <= 1_000


TAGS = str.maketrans({code: code + 0xE0000 for code in range(0x20, 0x7F)})
SCOTLAND = "\U0001f3f4" + "gbsct".translate(TAGS) + "\U000e007f"
BLANK = [
    "",
    " \n",
    "\u200b",
    "\u2060 \ufeff",
    "\u0301",
    "\u3164\u2800",
    "\U0001d159",
    "\ufe0f",
    "a".translate(TAGS),
]


@pytest.mark.parametrize("text", BLANK)
def test_nothing_is_visible_that_shows_nothing_by_itself(text: str) -> None:
    assert not format_text.has_visible(text)
    assert format_text.first_visible(f"{text}e\u0301") == len(text)


@pytest.mark.parametrize(
    "hidden",
    ["payload".translate(TAGS), "\ufe00\U000e0101\ufe03", "\u200d\u200c\u200d", "\u034f\u180b"],
)
def test_nothing_can_be_hidden_in_one_line(hidden: str) -> None:
    assert len(format_text.one_line(f"a{hidden}b")) <= 3


@pytest.mark.parametrize("text", [SCOTLAND, "❤️‍🔥 👩🏽‍🚀", "می‌خواهم", "葛\U000e0100城", "Zoe\u0301"])
def test_one_line_keeps_what_words_and_emoji_need(text: str) -> None:
    assert format_text.one_line(text) == text
