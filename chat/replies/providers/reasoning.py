"""The tags in which models think aloud, and where in a reply they count.

A tag counts only as the first visible thing of a reply. Anywhere later it is part of what is said:
people ask about these tags, and code is full of them. Two cases are left: some chat templates open
the tag themselves, so that the reply begins inside and only the closing tag is ever written; and a
thought may stand inside a thought.
"""

from __future__ import annotations

import re

NAMES = (
    "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis",
    "scratchpad", "inner_monologue", "seed:think",
)  # fmt: skip
HARMONY_FINAL = "<|channel|>final<|message|>"
"""Behind it the reply begins, where a server leaves the format of gpt-oss as the model wrote it
(OpenAI, "Harmony response format")."""
CLOSING = {
    **{f"<{name}>": f"</{name}>" for name in NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    **{
        f"{start}<|channel|>{channel}<|message|>": HARMONY_FINAL
        for start in ("", "<|start|>assistant")
        for channel in ("analysis", "commentary")
    },
}
"""Opening tags, in small letters, and what ends each."""

OPEN_TAG = re.compile("|".join(map(re.escape, CLOSING)), re.IGNORECASE)
ANY_TAG = re.compile("|".join(map(re.escape, [*CLOSING, *CLOSING.values()])), re.IGNORECASE)
TAG_START = re.compile("[<\\[◁]")
ALL_TAGS = [*CLOSING, *CLOSING.values()]
LONGEST_TAG = max(map(len, ALL_TAGS))
ASIDE_MAX_CHARS = 4_000

FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?:`{3,}|~{3,})", re.MULTILINE)
BACKTICKS = re.compile(r"`+")
QUOTES = "\"'“‘«「『(（["
AFTER_QUOTES = "\"'”’»」』)）],.;:!?，。；：！？、"


def could_be_tag(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of a tag."""
    for start in TAG_START.finditer(text, max(0, len(text) - LONGEST_TAG)):
        tail = text[start.start() :].lower()
        if any(tag.startswith(tail) for tag in ALL_TAGS):
            return len(tail)
    return 0


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


class Reasoning:
    """Reasoning that an opening tag began. Feed it the text after that tag, in any pieces.

    A thought inside a thought has tags of its own. As the inner one may also be only a word of the
    thought, what follows the first closing tag is kept until the outer one is closed too: when that
    does not come within `ASIDE_MAX_CHARS`, what was kept is the reply.
    """

    def __init__(self, opening: str) -> None:
        closing = CLOSING[opening.lower()]
        self._closing = closing
        # A Harmony message may have several thoughts before the one end of them all.
        nests = closing != HARMONY_FINAL
        tags = [opening, closing] if nests else [closing]
        self._tag = re.compile("|".join(map(re.escape, tags)), re.IGNORECASE)
        self._depth = 1
        self._pending = ""
        self._before = ""  # the last character of the thought; empty at its beginning
        self._aside: str | None = None

    def feed(self, text: str, *, final: bool) -> str | None:
        """The text after the reasoning, once it has ended; None while it goes on."""
        self._pending += text
        while tag := self._tag.search(self._pending):
            after = self._pending[tag.end() :]
            is_closing = tag[0].lower() == self._closing
            if not (is_closing or after or final):
                break  # what follows will tell
            self._think(self._pending[: tag.start()])
            if self._aside is not None and len(self._aside) > ASIDE_MAX_CHARS:
                return self._aside + self._pending[tag.start() :]
            self._depth += -1 if is_closing else self._is_nested(after)
            if not self._depth:
                return after
            if is_closing and self._aside is None:
                self._aside = ""
            elif self._before:
                self._think(tag[0])
            self._pending = after
        else:
            kept = 0 if final else could_be_tag(self._pending)
            end = len(self._pending) - kept
            self._think(self._pending[:end])
            self._pending = self._pending[end:]
        if self._aside is None or not (final or len(self._aside) > ASIDE_MAX_CHARS):
            return None
        return self._aside + self._pending

    def _think(self, text: str) -> None:
        if self._before or text.strip():
            self._before = text[-1:] or self._before
        if self._aside is not None:
            self._aside += text

    def _is_nested(self, after: str) -> bool:
        """Whether an opening tag opens one more thought: not one that is written twice at the
        beginning, stands in quotation marks or code, or in the middle of a sentence."""
        if not self._before or self._before in QUOTES + "`":
            return False
        if after[:1] in AFTER_QUOTES + "`":
            return False
        return not (self._before == " " and after[:1] == " ")
