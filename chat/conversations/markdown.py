"""Markdown as replies use it, rendered to HTML that is safe to insert into a page."""

from __future__ import annotations

import re

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Raw HTML is shown as text, and pictures as links: loading one would tell its server who reads.
_markdown = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable("image")
)

TAGS = {
    "p", "br", "hr", "em", "strong", "s", "a", "blockquote", "pre", "code",
    "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title", "target"}, "code": {"class"}, "ol": {"start"}}
CODE_CLASS = re.compile(r"language-[\w+#.-]{1,30}")


def render(text: str) -> SafeString:
    """The text as HTML. nh3 passes only the tags and attributes listed above."""
    html = nh3.clean(
        _markdown.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return mark_safe(html)  # noqa: S308  nh3 has just made it so


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "code" and name == "class":
        return value if CODE_CLASS.fullmatch(value) else None
    return value
