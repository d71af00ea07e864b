"""Removes from a stream of chunks what the reader must not see, wherever the chunks are cut."""

from __future__ import annotations

import re
import unicodedata

OPEN, CLOSE = "<think>", "</think>"
HIGH_SURROGATE_AT_END = re.compile("[\ud800-\udbff]$")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def is_visible(text: str) -> bool:
    """Whether the text has a character that a person can see, not only spaces and format marks."""
    return any(not c.isspace() and unicodedata.category(c)[0] != "C" for c in text)


class VisibleText:
    """Takes chunks, and returns the text that may be shown.

    Drops `<think>…</think>` (also a half-open one, to the end), NUL (PostgreSQL cannot store it)
    and everything before the first visible character. Joins a character that a server cut into two
    surrogates; a lone half becomes U+FFFD. Text that may be the start of a tag or a pair waits.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._leading = ""
        self._thinking = False
        self._begun = False

    def feed(self, chunk: str) -> str:
        self._pending += chunk
        return self._trimmed(self._without_thoughts(final=False))

    def end(self) -> str:
        """The text that still waited, now that no chunk follows."""
        return self._trimmed(self._without_thoughts(final=True))

    def _without_thoughts(self, *, final: bool) -> str:
        shown = []
        while True:
            tag = CLOSE if self._thinking else OPEN
            before, found, after = self._pending.partition(tag)
            if found:
                if not self._thinking:
                    shown.append(before)
                self._thinking = not self._thinking
                self._pending = after
                continue
            keep = 0 if final else _overlap(self._pending, tag)
            text = self._pending[: len(self._pending) - keep]
            self._pending = self._pending[len(text) :]
            if not self._thinking:
                if not final and not self._pending and HIGH_SURROGATE_AT_END.search(text):
                    text, self._pending = text[:-1], text[-1]
                shown.append(text)
            return _storable("".join(shown))

    def _trimmed(self, text: str) -> str:
        if self._begun:
            return text
        self._leading += text
        if not is_visible(self._leading):
            return ""
        self._begun = True
        return self._leading.lstrip()


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` could be the beginning of `tag`."""
    return next(
        (n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0
    )


def _storable(text: str) -> str:
    if LONE_SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "")
