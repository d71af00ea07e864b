"""Turns values into text, and text into values, for services and templates alike."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.text import Truncator

if TYPE_CHECKING:  # by this name the stubs know what a lazy translation can do
    from django.utils.functional import _StrOrPromise

    StrOrPromise = _StrOrPromise
else:
    StrOrPromise = str | Promise

PREVIEW_CHARS = 140
# Letters and symbols by category that show nothing: the fillers of Hangul, an empty Braille cell, a
# note without a head, blank hieroglyphs.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159\U00013441\U00013442")
# These, and what shows nothing by Unicode's word (Default_Ignorable_Code_Point, UAX 44).
IGNORABLE = re.compile(
    f"[{''.join(BLANKS)}"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
PREVIEW_READS_CHARS = 1_000  # of the text, marks and all: more of it is not looked at
# Han letters, without the punctuation that brings its own room.
_HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
_LATIN = r"[A-Za-z0-9\u00c0-\u024f]"
_SEAM = re.compile(rf"(?<={_HAN})(?={_LATIN})|(?<={_LATIN})(?={_HAN})")
# What shows nothing, but makes what stands before it: words and emoji need one selector of a form,
# and one joiner or non-joiner. More of them could carry a hidden text.
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINERS = "\u200c\u200d"
_RUN = re.compile(
    f"(?=[{_SELECTORS}{_JOINERS}])([{_SELECTORS}]?)[{_SELECTORS}]*([{_JOINERS}]?)[{_SELECTORS}{_JOINERS}]*"
)
# England, Scotland and Wales: all flags that are spelled in tags (Unicode Technical Standard 51).
_FLAGS = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
_FLAG = re.compile(f"({'|'.join(_FLAGS)})")
# Marks that are "default ignorable" in Unicode's words: fonts leave them out.
_UNSEEN_MARKS = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
_MARKS = re.compile(r"```\w*|[*_`#>~]+|^[ \t]*[-+]\s", re.MULTILINE)


def grouped(number: int) -> str:
    """The whole number with its thousands apart and a minus sign: 2,698, −80."""
    return f"{number:,}".replace("-", "−")


def whole_number(text: str, *, max_digits: int = 18) -> int | None:
    """The number that a client wrote in plain digits; None for anything else.

    18 digits are as many as any column for integers holds.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= max_digits
    return int(text) if is_number else None


def preview(text: str | None) -> str:
    """The start of a message on one line, without its Markdown marks."""
    start = (text or "").lstrip()[:PREVIEW_READS_CHARS]
    return Truncator(" ".join(_MARKS.sub("", start).split())).chars(PREVIEW_CHARS)


def spaced(text: str) -> str:
    """The text with a space wherever a Han letter and a Latin one meet: Orin 的回复."""
    return _SEAM.sub(" ", text)


def one_line(text: str) -> str:
    """The text on one line, without control characters, those that show nothing, and those that
    turn the direction of reading.

    They could hide a part of a title, or show it in another order than it is stored in.
    """
    parts = _FLAG.split(" ".join(text.split()))
    return "".join(part if part in _FLAGS else _seen(part) for part in parts).strip()


def _seen(text: str) -> str:
    chars = (
        char
        for char in text
        if char in _JOINERS
        or (unicodedata.category(char) not in ("Cc", "Cf") and char not in _UNSEEN_MARKS)
    )
    return _RUN.sub(r"\1\2", "".join(chars))


def has_visible(text: str) -> bool:
    """Whether a reader sees anything: not only spaces, marks, controls and fillers.

    Names, titles and paid replies go by this one rule.
    """
    return first_visible(text) is not None


def first_visible(text: str) -> int | None:
    """Where the first character stands that shows something by itself; None without one."""
    found = (
        at
        for at, char in enumerate(text)
        if unicodedata.category(char)[0] in "LNPS" and char not in BLANKS
    )
    return next(found, None)
