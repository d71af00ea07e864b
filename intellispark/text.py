"""Text made of values, for services and templates alike."""

from __future__ import annotations

import re

from django.utils.text import Truncator

PREVIEW_CHARS = 140
_MARKS = re.compile(r"```\w*|[*_`#>~]+|^\s*[-+]\s", re.MULTILINE)


def grouped(number: int) -> str:
    """The whole number with its thousands apart and a minus sign: 2,698, −80."""
    return f"{number:,}".replace("-", "−")


def preview(text: str | None) -> str:
    """The start of a message on one line, without its Markdown marks."""
    return Truncator(" ".join(_MARKS.sub("", text or "").split())).chars(PREVIEW_CHARS)
