"""Keeps out of the text what was not meant for the reader, however it is cut into chunks."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from chat.replies.providers.reasoning import (
    ANY_TAG,
    CLOSING,
    OPEN_TAG,
    closes_reasoning,
    could_be_tag,
)

HIGH_SURROGATE_AT_END = re.compile("[\ud800-\udbff]$")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def is_visible(text: str) -> bool:
    """Whether it has a character that a person can see (not only spaces and format marks)."""
    return _first_visible(text) is not None


class Shown(NamedTuple):
    """More text; with `replaces`, in place of all that was shown before."""

    text: str
    replaces: bool = False


class VisibleText:
    """Feed it chunks; it gives back what may be shown.

    Drops reasoning at the beginning (also a half-open one, to the end), NUL (PostgreSQL cannot
    store it) and everything before the first visible character. Joins an emoji that a server cut
    into two surrogates; a lone half becomes U+FFFD. What could still become a tag or a pair waits.
    """

    def __init__(self) -> None:
        self._half = ""  # of a surrogate pair
        self._pending = ""
        self._closing = ""  # the tag that ends the reasoning, while there is some
        self._shown: list[str] = []
        self._may_close = True  # the reply may have begun inside of reasoning

    def feed(self, chunk: str) -> Shown:
        self._pending += self._storable(chunk)
        return self._next(final=False)

    def end(self) -> Shown:
        """What was still waiting, now that nothing follows."""
        if self._half:
            self._half = ""
            self._pending += "\ufffd"
        return self._next(final=True)

    def _next(self, *, final: bool) -> Shown:
        begun = bool(self._shown)
        if not begun and not self._skip_reasoning(final=final):
            return Shown("")
        if self._may_close and (tag := ANY_TAG.search(self._pending)):
            after = self._pending[tag.end() :]
            if not after.strip(" ") and not final:
                return self._show(tag.start())  # what follows will tell
            before = "".join(self._shown) + self._pending[: tag.start()]
            self._may_close = False
            if not OPEN_TAG.fullmatch(tag[0]) and closes_reasoning(before, after):
                self._shown, self._pending = [], after
                return Shown(self._next(final=final).text, replaces=True)
        keep = could_be_tag(self._pending) if self._may_close and not final else 0
        return self._show(len(self._pending) - keep)

    def _show(self, end: int) -> Shown:
        text, self._pending = self._pending[:end], self._pending[end:]
        if text and (self._may_close or not self._shown):  # later text is not looked at again
            self._shown.append(text)
        return Shown(text)

    def _skip_reasoning(self, *, final: bool) -> bool:
        """Whether `_pending` begins with the first visible character of the reply."""
        while True:
            if self._closing:
                end = re.search(re.escape(self._closing), self._pending, re.IGNORECASE)
                if end is None:
                    self._pending = self._pending[-len(self._closing) :]
                    return False
                self._pending, self._closing = self._pending[end.end() :], ""
            first = _first_visible(self._pending)
            self._pending = "" if first is None else self._pending[first:]
            tag = OPEN_TAG.match(self._pending)
            if tag is None:
                waits = could_be_tag(self._pending) == len(self._pending) and not final
                return bool(self._pending) and not waits
            self._closing = CLOSING[tag[0].lower()]
            self._pending = self._pending[tag.end() :]
            self._may_close = False

    def _storable(self, chunk: str) -> str:
        text, self._half = self._half + chunk, ""
        if HIGH_SURROGATE_AT_END.search(text):
            text, self._half = text[:-1], text[-1]
        if LONE_SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text.replace("\x00", "")


def _first_visible(text: str) -> int | None:
    for at, char in enumerate(text):
        if not char.isspace() and unicodedata.category(char)[0] != "C":
            return at
    return None
