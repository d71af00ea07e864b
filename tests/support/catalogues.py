"""Collects translatable texts into the Chinese catalogue and compiles it.

`make messages` runs this. It needs no GNU gettext: Django turns templates into something that
reads like Python, Babel collects from both and writes `.po` and `.mo`. `tests/test_catalogues.py`
fails when the catalogue is not what this would write, or when a text is not translated.
"""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "intellispark" / "locale" / "zh_Hans" / "LC_MESSAGES"
PO, MO = FOLDER / "django.po", FOLDER / "django.mo"
# Header fields that name people or moments: the repository's history knows better.
UNSTABLE = tuple(
    f'"{field}'.encode()
    for field in (
        "Generated-By",
        "Language-Team",
        "Last-Translator",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
    )
)
SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)  # the same texts give the same bytes
SOURCES = ("intellispark", "chat", "payments", "templates")
NAME = "name of a character"  # the context of names: "Save" may be one
KEYWORDS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "_", "_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


def collect() -> Catalog:
    """Every translatable text of the project, with the files that it stands in."""
    catalog = Catalog(locale="zh_Hans", header_comment="# IntelliSpark in Simplified Chinese.")
    catalog.fuzzy = False
    for path, text in _sources():
        found = extract("python", io.BytesIO(text.encode()), KEYWORDS)
        for _line, message, _comments, context in found:
            catalog.add(message, locations=[(path, None)], context=context)
    for path, names in _names():
        catalog.add(names["en"], names["zh-hans"], locations=[(path, None)], context=NAME)
    return catalog


def _sources() -> Iterator[tuple[str, str]]:
    listed = ["git", "ls-files", "-co", "--exclude-standard", *SOURCES]
    for path in sorted(subprocess.check_output(listed, cwd=ROOT, text=True).splitlines()):
        if path.endswith((".html", ".txt")):
            code = templatize((ROOT / path).read_text(), origin=path)
            yield path, "\n".join(line.strip() for line in code.splitlines())
        elif path.endswith(".py"):
            yield path, (ROOT / path).read_text()


def _names() -> Iterator[tuple[str, dict[str, str]]]:
    """The name of each starter character by language; its own file is where it is translated."""
    for path in sorted((ROOT / "chat" / "starter" / "characters").glob("*.json")):
        texts = json.loads(path.read_text())["texts"]
        yield str(path.relative_to(ROOT)), {code: text["name"] for code, text in texts.items()}


def merged() -> Catalog:
    """The texts of today with the translations that are there; gone texts are left out."""
    catalog = collect()
    if PO.exists():
        with PO.open("rb") as file:
            old = read_po(file, locale="zh_Hans")
        for message in catalog:
            known = old.get(message.id, message.context) if message.id else None
            if known is not None and message.context != NAME:
                message.string = known.string
    return catalog


def as_po(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, omit_header=False, sort_output=True, include_lineno=False)
    lines = buffer.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(UNSTABLE))


def as_mo(catalog: Catalog) -> bytes:
    catalog.creation_date = catalog.revision_date = SOME_TIME
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    return [
        str(message.id)
        for message in catalog
        if message.id
        and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    catalogue = merged()
    PO.write_bytes(as_po(catalogue))
    with PO.open("rb") as file:
        MO.write_bytes(as_mo(read_po(file, locale="zh_Hans")))
    missing = untranslated(catalogue)
    print(f"{len(catalogue)} texts, {len(missing)} not translated")
    for text in missing:
        print(" ", text)
