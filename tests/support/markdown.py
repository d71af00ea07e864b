"""What both renderers are held to, and the one of the pages, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
CORPUS: dict[str, Any] = json.loads((TESTS / "markdown" / "corpus.json").read_text("utf-8"))
NODE = shutil.which("node")


def built(pieces: list[tuple[str, int]]) -> str:
    """A text of the corpus that is written as pieces and how often each comes."""
    return "".join(piece * times for piece, times in pieces)


class Seen(HTMLParser):
    """What a browser would find: `parts` are tags with their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.parts: list[Any] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        self.parts.append((tag, *sorted(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr"):  # written as <br> and as <br />
            self.parts.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        lines = "\n".join(line.rstrip(" ") for line in data.split("\n"))
        self.parts.append([lines])

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


class PageRenderer:
    """Asks the page's own modules."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, text: str) -> dict[str, str]:
        """`html`, and `closed`: the text with its open marks closed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def page_renderer() -> Iterator[PageRenderer]:
    command = [str(NODE), "--import", "./resolve.js", "render_lines.js"]
    with subprocess.Popen(
        command, cwd=TESTS / "js", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield PageRenderer(process)
        assert process.stdin
        process.stdin.close()
