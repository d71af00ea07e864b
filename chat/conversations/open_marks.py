"""Closes the Markdown that a reply left open when it was stopped or cut.

`chat/static/chat/js/open-marks.js` does the same while a reply grows; both are held to the cases
in `tests/markdown/corpus.json`.
"""

from __future__ import annotations

import re

SPACES = "\t\n\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(8192, 8203))
)
FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)")
# A line that begins a text of its own: a heading or an item, perhaps in a quotation.
BLOCK_START = re.compile(r"[ \t>]*(?:#{1,6}[ \t]+|(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
RULER = re.compile(r"[ \t>]*([*_])[ \t]*(?:\1[ \t]*){2,}")
HALF_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*$")
TOKEN = re.compile(r"\\.|`+|\*+|_+|~+|\]\([^()\n]*\)|<[^<>\n]*>", re.DOTALL)
NO_WORD = SPACES + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
MAX_OPEN = 20  # as deep as the renderer goes


def close_open_marks(text: str) -> str:
    """The text with the emphasis and code closed that its end left open.

    A mark that nothing follows is dropped, and of a link without its end only the words are kept.
    Inside a code block marks mean nothing.
    """
    start = _last_block(text)
    if start is None:
        return text
    said = text[start:].rstrip(SPACES)
    space = text[start + len(said) :]
    return text[:start] + _closed(HALF_LINK.sub(r"\1", said)) + space


def _last_block(text: str) -> int | None:
    """Where the last stretch of running text begins; None inside a code block."""
    start = at = 0
    fence = ""
    was_quoted = False
    for line in text.split("\n"):
        found = FENCE.fullmatch(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip(SPACES):
                fence = ""
            start = at + len(line)
        elif found and not ("`" in found[1] and "`" in found[2]):
            fence = found[1]
        else:
            marker = BLOCK_START.match(line)
            width = marker.end() if marker else 0
            is_quoted = ">" in line[:width]
            if not line.strip(SPACES) or RULER.fullmatch(line):
                start = at + len(line)
            elif line.lstrip(SPACES).startswith("|"):
                start = at + line.rindex("|") + 1
            elif line[:width].strip(" \t>") or is_quoted != was_quoted:
                start = at + width
            was_quoted = is_quoted
        at += len(line) + 1
    return None if fence else start


def _closed(said: str) -> str:
    """One stretch of running text, without space at its end, with closing marks."""
    opened: list[tuple[str, int]] = []  # a mark and how many of it, outermost first
    at = 0
    while found := TOKEN.search(said, at):
        run, at = found[0], found.end()
        before, after = said[found.start() - 1 : found.start()], said[at : at + 1]
        if run[0] == "`":
            end = re.compile(f"(?<!`){run}(?!`)").search(said, at)
            if end is None:
                return said + run + _closers(opened) if after else _without(said, run, opened)
            at = end.end()
        elif run[0] in "*_~":
            left = _close(opened, run, before, after)
            if left and not after and not (run[0] == "_" and _is_word(before)):
                return _without(said, run[:left], opened)
            if left and _opens(run, before, after) and len(opened) < MAX_OPEN:
                opened.append((run[0], left))
    return said + _closers(opened)


def _close(opened: list[tuple[str, int]], run: str, before: str, after: str) -> int:
    """Take from `opened` what that run closes; how many of its marks are left."""
    left = len(run)
    if before in SPACES or (run[0] == "_" and _is_word(after)):
        return left
    while left and any(mark == run[0] for mark, _ in opened):
        mark, count = opened.pop()
        if mark == run[0]:
            taken = min(left, count)
            left -= taken
            if count > taken:
                opened.append((mark, count - taken))
    return left


def _opens(run: str, before: str, after: str) -> bool:
    if after in SPACES:
        return False
    if run[0] == "~":
        return len(run) == 2
    return not (run[0] == "_" and _is_word(before))


def _is_word(char: str) -> bool:
    return char not in NO_WORD


def _without(said: str, dangling: str, opened: list[tuple[str, int]]) -> str:
    return said.removesuffix(dangling).rstrip(SPACES) + _closers(opened)


def _closers(opened: list[tuple[str, int]]) -> str:
    return "".join(mark * count for mark, count in reversed(opened))
