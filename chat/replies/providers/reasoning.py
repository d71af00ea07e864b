"""The tags in which models think aloud, and where in a reply they count.

A tag counts only as the first visible thing of a reply. Anywhere later it is part of what is said:
people ask about these tags, and code is full of them. One case is left: some chat templates open
the tag themselves, so that the reply begins inside and only the closing tag is ever written.
"""

from __future__ import annotations

import re

NAMES = (
    "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis",
    "scratchpad", "inner_monologue", "seed:think",
)  # fmt: skip
CLOSING = {
    **{f"<{name}>": f"</{name}>" for name in NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
}
"""Opening tags, in small letters, and what ends each."""

OPEN_TAG = re.compile("|".join(map(re.escape, CLOSING)), re.IGNORECASE)
ANY_TAG = re.compile("|".join(map(re.escape, [*CLOSING, *CLOSING.values()])), re.IGNORECASE)
TAG_STARTS = "<[◁"
ALL_TAGS = [*CLOSING, *CLOSING.values()]

FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?:`{3,}|~{3,})", re.MULTILINE)
BACKTICKS = re.compile(r"`+")
QUOTES = "\"'“‘«「『(（["
AFTER_QUOTES = "\"'”’»」』)）],.;:!?，。；：！？、"


def could_be_tag(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of a tag."""
    at = max(map(text.rfind, TAG_STARTS))
    tail = text[at:].lower()
    return len(text) - at if at >= 0 and any(tag.startswith(tail) for tag in ALL_TAGS) else 0


def closes_reasoning(before: str, after: str) -> bool:
    """Whether a closing tag between these two, the first tag of the reply, ends reasoning.

    Not in code, not in quotation marks, and not in the middle of a sentence.
    """
    line = before[before.rfind("\n") + 1 :]
    if _is_in_code(before) or (line and line[-1] in QUOTES):
        return False
    if not after or after[0] in "\r\n":
        return True
    if after[0] in AFTER_QUOTES:
        return False
    # “… the tag </think> ends it” goes on in small letters; a reply begins with a capital one.
    return not (line.endswith(" ") and after[0] == " " and after.lstrip(" ")[:1].islower())


def _is_in_code(before: str) -> bool:
    if len(FENCE.findall(before)) % 2:
        return True
    paragraph = before[before.rfind("\n\n") + 1 :]
    opened = ""
    for run in BACKTICKS.findall(paragraph):
        if not opened:
            opened = run
        elif run == opened:
            opened = ""
    return bool(opened)
