"""Markdown as replies use it, rendered to HTML that is safe to insert into a page.

`chat/static/chat/js/render.js` renders a reply while it grows, by the same rules and bounds;
`tests/markdown/corpus.json` holds what both must make of the same text. Whoever changes what comes
out raises `RENDERER_VERSION`, so that stored HTML is rendered again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypedDict

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.conversations.emphasis import CjkFriendlyInline

RENDERER_VERSION = 2

# What one text may become. What is over is shown as plain text: nobody reads a thousand cells in a
# reply, and without bounds 9 kB of table were 780 kB and two seconds of CPU.
MAX_MARKS = 10_000  # characters that Markdown looks at, counted before anything is parsed
MAX_CELLS = 1_000
MAX_TAGS = 3_000
MARKS = "*_~`[]()<>|#!&\\\n"

TAGS = {
    "p", "br", "hr", "em", "strong", "s", "a", "blockquote", "pre", "code",
    "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}}
# Each block finds its own direction; code is always read from the left.
BLOCKS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "th", "td")
FIXED: dict[str, dict[str, str]] = {
    "a": {"target": "_blank"},
    **{tag: {"dir": "auto"} for tag in BLOCKS},
    **{tag: {"dir": "ltr"} for tag in ("pre", "code")},
}
SCHEMES = {"http", "https", "mailto"}
CODE_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")
PIPE = re.compile(r"(?<!\\)\|")


class Reference(TypedDict):
    title: str
    href: str


class Env(TypedDict, total=False):
    """What the parser keeps about one text."""

    cells: int
    references: dict[str, Reference]
    duplicate_refs: list[Reference]


@lru_cache(maxsize=256)
def render_cached(text: str) -> SafeString:
    """`render` for what many people see: a character's opening line and description."""
    return render(text)


def render(text: str) -> SafeString:
    """The text as HTML that has passed an allow-list, whatever the renderer thought.

    At most `max_chars(text)` characters; plain text where Markdown would make more of it, or more
    cells, tags or marks than the bounds above, and where it would leave words out.
    """
    html = None if _has_too_many_marks(text) else _rendered(text)
    return plain(text) if html is None else mark_safe(html)  # noqa: S308  nh3 made it so


def max_chars(text: str) -> int:
    """How long the HTML of that text may be."""
    return 8 * len(text) + 20_000


def plain(text: str) -> SafeString:
    """The text as it was typed, with its paragraphs and line breaks."""
    paragraphs = (part for part in re.split(r"\n{2,}", text) if part.strip())
    html = "".join(f'<p dir="auto">{_escaped(part.strip())}</p>\n' for part in paragraphs)
    return mark_safe(html)  # noqa: S308  escaped just now


def _escaped(text: str) -> str:
    found = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return found.replace("\n", "<br>\n")


def _has_too_many_marks(text: str) -> bool:
    return sum(map(text.count, MARKS)) > MAX_MARKS


def _rendered(text: str) -> str | None:
    """The HTML, or None where it is out of bounds: before it is built, where that can be told."""
    env: Env = {}
    tokens = _markdown.parse(text, env)  # type: ignore[arg-type]  # any mapping will do
    limit = max_chars(text)
    if env.get("cells", 0) > MAX_CELLS or _is_over(tokens, limit) or _loses_words(tokens, env):
        return None
    html = _cleaner.clean(_markdown.renderer.render(tokens, _markdown.options, env))  # type: ignore[arg-type]
    return html if html and len(html) <= limit else None


def _is_over(tokens: list[Token], limit: int) -> bool:
    """Whether there are too many tags, or attributes longer than all of the HTML may be: one long
    address can be named by many short links."""
    tags = attributes = 0
    for token in _all(tokens):
        tags += token.nesting >= 0 and bool(token.tag) and not token.hidden
        attributes += sum(len(str(token.attrGet(name) or "")) for name in ("href", "title"))
    return tags > MAX_TAGS or attributes > limit


def _loses_words(tokens: list[Token], env: Env) -> bool:
    """Whether the parser left out what nests too deeply, or a definition that no link uses."""
    deepest = _markdown.options["maxNesting"] - 1
    if any(token.tag in ("blockquote", "li") and token.level >= deepest for token in tokens):
        return True
    defined = {found["href"] for found in env.get("references", {}).values()}
    linked = {token.attrGet("href") for token in _all(tokens) if token.type == "link_open"}
    return not defined <= linked or bool(env.get("duplicate_refs"))


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())


def _bounded_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The table rule, which takes no table with which the text would have too many cells.

    A row is filled up to the width of its head, so cells are counted before any is made. Nor one
    with a row that is wider than its head: it stays as it was typed.
    """
    if state.env.get("cells", 0) > MAX_CELLS or not table(state, start, end, True):
        return False
    if silent:
        return True
    delimiters = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]]
    rows = 1
    while start + 1 + rows < end and not state.isEmpty(start + 1 + rows):
        rows += 1
    cells = state.env["cells"] = state.env.get("cells", 0) + rows * (delimiters.count("|") + 1)
    made = len(state.tokens)
    if cells > MAX_CELLS or not table(state, start, end, False):
        return False
    width, *widths = (_width(state, row) for row in range(start, state.line) if row != start + 1)
    if max(widths, default=0) > width:
        del state.tokens[made:]
        state.line = start
        return False
    return True


def _width(state: StateBlock, line: int) -> int:
    """How many cells that row has, without empty ones at its end: the parser drops those that are
    more than the head has."""
    row = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
    cells = PIPE.split(row.removeprefix("|"))
    while len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    return len(cells)


def _is_allowed(url: str) -> bool:
    """Whether the allow-list leaves the link its address; otherwise it stays text."""
    return "href=" in _cleaner.clean(f'<a href="{escape(url)}">')


def _name_only_known_languages(state: StateCore) -> None:
    """What stands after a fence becomes a class; what is no name of a language, a paragraph."""
    found: list[Token] = []
    for token in state.tokens:
        if token.type == "fence":
            name, _, rest = token.info.strip().partition(" ")
            if not CODE_LANGUAGE.fullmatch(name):
                name, rest = "", token.info
            token.info = name
            if rest.strip():
                text = Token("text", "", 0, content=rest.strip())
                found += [
                    Token("paragraph_open", "p", 1, block=True),
                    Token("inline", "", 0, content=text.content, children=[text], block=True),
                    Token("paragraph_close", "p", -1, block=True),
                ]
        found.append(token)
    state.tokens = found


def _make() -> MarkdownIt:
    # Raw HTML is shown as text, and pictures as links: loading one would tell its server who reads.
    markdown = MarkdownIt()
    markdown.inline = CjkFriendlyInline()
    markdown.configure("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"]).disable("image")
    markdown.block.ruler.at("table", _bounded_table, {"alt": ["paragraph", "reference"]})
    markdown.core.ruler.push("languages", _name_only_known_languages)
    markdown.validateLink = _is_allowed  # type: ignore[method-assign]  # markdown-it has no other way
    return markdown


_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    url_schemes=SCHEMES,
    link_rel="noopener nofollow",
    set_tag_attribute_values=FIXED,
)
_markdown = _make()
