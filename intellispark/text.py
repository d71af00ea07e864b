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
# Letters and symbols by category that show nothing: the fillers of Hangul, an empty Braille cell.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Format characters that words and emoji need: non-joiner, joiner, and the letters of flags.
JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}
PREVIEW_READS_CHARS = 1_000  # of the text, marks and all: more of it is not looked at
# Han letters, without the punctuation that brings its own room.
_HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
_LATIN = r"[A-Za-z0-9\u00c0-\u024f]"
_SEAM = re.compile(rf"(?<={_HAN})(?={_LATIN})|(?<={_LATIN})(?={_HAN})")
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
    """The text on one line, without control characters and what turns the direction of reading.

    Those could hide a part of a title, or show it in another order than it is stored in.
    """
    flat = " ".join(text.split())
    return "".join(
        char for char in flat if char in JOINERS or unicodedata.category(char) not in ("Cc", "Cf")
    ).strip()


def has_visible(text: str) -> bool:
    """Whether a reader sees anything: not only spaces, marks, controls and fillers."""
    return any(unicodedata.category(char)[0] in "LNPS" and char not in BLANKS for char in text)
