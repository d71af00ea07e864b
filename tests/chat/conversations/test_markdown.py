"""Replies are rendered, and whatever they try, they stay text."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest

from chat.conversations.markdown import TAGS, render


class Seen(HTMLParser):
    """What a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*waves* **hi**", "<p><em>waves</em> <strong>hi</strong></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("~~no~~", "<p><s>no</s></p>\n"),
        ("```python\nx < 1\n```", '<pre><code class="language-python">x &lt; 1\n</code></pre>\n'),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
        (
            "[a](https://example.com)",
            '<p><a href="https://example.com" target="_blank" rel="noopener nofollow">a</a></p>\n',
        ),
    ],
)
def test_it_renders(text: str, html: str) -> None:
    assert render(text) == html


def test_it_renders_tables() -> None:
    assert "<td>1</td>" in render("|a|\n|:-:|\n|1|")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](vbscript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://a.example/pixel.gif)",
        '[x](https://a.example "onmouseover=alert(1)")',
        '[x](https://a.example" onmouseover="alert(1))',
        '<https://a.example/" onclick=alert(1)>',
        '```x" onload="alert(1)\n```',
        "```language-x onload=alert(1)\n```",
        "<svg/onload=alert(1)>",
        "<iframe src=//evil.example></iframe>",
        "<style>*{display:none}</style>",
        "a\n<!-- comment -->",
        "|a|\n|-|\n|<b onclick=alert(1)>x</b>|",
    ],
)
def test_it_lets_nothing_through(text: str) -> None:
    seen = Seen()
    seen.feed(render(text))
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert {name for name, _ in attributes} <= {"href", "title", "target", "rel", "class"}
        for name, value in attributes:
            assert name != "href" or (value or "").startswith("https://a.example")
            assert name != "class" or value in ("language-x", "language-language-x")
    assert not seen.comments


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "> " * 5_000, "*a_" * 3_000, "`" * 9_999, "|" * 9_999]
)
def test_hostile_text_takes_no_ages(text: str) -> None:
    began = time.monotonic()
    render(text)
    assert time.monotonic() - began < 5
