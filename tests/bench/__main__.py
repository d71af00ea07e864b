"""Runs the named benchmarks, or all; prints a table for each and keeps docs/figures-*.md."""

from __future__ import annotations

import sys
from importlib import import_module

from tests.bench.databases import ROOT
from tests.bench.measure import machine

# Each section's `run()` makes its tables.
PAGES = {"ledger": ["hold", "hordak", "sqlite", "growth"], "replies": ["reply"], "pages": ["pages"]}
REALTIME = "realtime"  # writes its own page: its sections share servers and take minutes


def main(names: list[str]) -> int:
    known = [*(name for page in PAGES.values() for name in page), REALTIME]
    if unknown := [name for name in names if name not in known]:
        print(f"Unknown: {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    for page, members in PAGES.items():
        for name in [name for name in members if not names or name in names]:
            module = import_module(f"tests.bench.{name}")
            print(f"\n{name}", file=sys.stderr)
            try:
                table = module.run()
            except RuntimeError as reason:  # something this machine lacks
                print(f"SKIPPED: {name}: {reason}")
                continue
            print(f"\n{module.__doc__}\n\n{table}", flush=True)
            _keep(page, name, f"{module.__doc__.strip()}\n\n{table}\n\n*{machine()}*")
    if not names or REALTIME in names:
        import_module(f"tests.bench.{REALTIME}").main()
    return 0


def _keep(page: str, name: str, text: str) -> None:
    """Put the section into the page in place of its old one; the others stay as they are."""
    path = ROOT / "docs" / f"figures-{page}.md"
    head, *sections = path.read_text().split("\n## ") if path.exists() else [HEAD]
    kept = {title: body for title, _, body in (one.partition("\n") for one in sections)}
    kept[name] = f"\n{text}\n"
    order = [member for member in PAGES[page] if member in kept]
    path.write_text(
        head.rstrip() + "".join(f"\n\n## {n}\n{kept[n].rstrip()}" for n in order) + "\n"
    )


HEAD = """# Figures

Written by `make bench` (`python -m tests.bench [names]`): read them, don't edit them. Contenders
take turns in short rounds; each figure is the median of its rounds, each ratio the median of the
ratios within a round. Ratios travel between machines, rates do not.
"""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
