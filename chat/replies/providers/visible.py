"""Keeps out of the text what was not meant for the reader, however it is cut into chunks."""

from __future__ import annotations

import re
from typing import NamedTuple

from chat.replies.providers.reasoning import (
    ANY_TAG,
    OPEN_TAG,
    Reasoning,
    closes_reasoning,
    could_be_tag,
)
from intellispark.text import first_visible

HIGH_SURROGATE_AT_END = re.compile("[\ud800-\udbff]$")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Shown(NamedTuple):
    """More text; with `replaces`, in place of all that was shown before."""

    text: str
    replaces: bool = False


class VisibleText:
    """Feed it chunks; it gives back what may be shown.

    Drops reasoning at the beginning (also a half-open one, to the end), NUL (PostgreSQL cannot
    store it) and everything before the first visible character. Joins an emoji that a server cut
    into two surrogates; a lone half becomes U+FFFD. What could still become a tag or a pair waits.

    What was shown is taken back only for a reply that follows it: without one, it was the reply.
    """

    def __init__(self, *, may_close: bool = True) -> None:
        self._half = ""  # of a surrogate pair
        self._pending = ""
        self._reasoning: Reasoning | None = None
        self._shown: list[str] = []
        self._may_close = may_close  # the reply may have begun inside of reasoning
        self._closed_by = ""
        self._after: VisibleText | None = None  # reads what follows a closing tag

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
        if self._after is not None:
            return self._follow(self._after, final=final)
        if not self._shown and not self._skip_reasoning(final=final):
            return Shown("")
        if self._may_close and (tag := ANY_TAG.search(self._pending)):
            after = self._pending[tag.end() :]
            if not after.strip(" ") and not final:
                return self._show(tag.start())  # what follows will tell
            before = "".join(self._shown) + self._pending[: tag.start()]
            self._may_close = False
            if not OPEN_TAG.fullmatch(tag[0]) and closes_reasoning(before, after):
                shown = self._show(tag.start())
                self._closed_by, self._pending = tag[0], after
                self._after = VisibleText(may_close=False)
                rest = self._follow(self._after, final=final)
                return rest if rest.replaces else Shown(shown.text + rest.text)
        keep = could_be_tag(self._pending) if self._may_close and not final else 0
        return self._show(len(self._pending) - keep)

    def _follow(self, after: VisibleText, *, final: bool) -> Shown:
        """What comes after a closing tag replaces what was before it, once it can be seen."""
        begun = bool(after._shown)
        text, self._pending = after.feed(self._pending).text, ""
        if final:
            text += after.end().text
        if after._shown:
            return Shown(text, replaces=not begun)
        return Shown(self._closed_by if final and self._shown else "")

    def _show(self, end: int) -> Shown:
        text, self._pending = self._pending[:end], self._pending[end:]
        if text and (self._may_close or not self._shown):  # later text is not looked at again
            self._shown.append(text)
        return Shown(text)

    def _skip_reasoning(self, *, final: bool) -> bool:
        """Whether `_pending` begins with the first visible character of the reply."""
        while True:
            if self._reasoning:
                rest = self._reasoning.feed(self._pending, final=final)
                self._pending = rest or ""
                if rest is None:
                    return False
                self._reasoning = None
            first = first_visible(self._pending)
            self._pending = "" if first is None else self._pending[first:]
            tag = OPEN_TAG.match(self._pending)
            if tag is None:
                waits = could_be_tag(self._pending) == len(self._pending) and not final
                return bool(self._pending) and not waits
            self._reasoning = Reasoning(tag[0])
            self._pending = self._pending[tag.end() :]
            self._may_close = False

    def _storable(self, chunk: str) -> str:
        text, self._half = self._half + chunk, ""
        if HIGH_SURROGATE_AT_END.search(text):
            text, self._half = text[:-1], text[-1]
        if LONE_SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text.replace("\x00", "")
