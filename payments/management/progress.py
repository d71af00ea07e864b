"""A progress bar for long readings: on the error stream, and only where a person watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import IO, TypeVar

T = TypeVar("T")
WIDTH = 30
EVERY_SECS = 0.2
LOOK_EVERY = 1_000  # items between two looks at the clock, which costs more than an item


def watched(items: Iterable[T], *, total: int, stream: IO[str]) -> Iterator[T]:
    """The same items, drawn as they pass. On a stream that is no terminal nothing is written."""
    if not stream.isatty():
        yield from items
        return
    drawn = 0.0
    for count, item in enumerate(items):
        if count % LOOK_EVERY == 0 and monotonic() - drawn > EVERY_SECS:
            drawn = monotonic()
            _draw(count, total, stream)
        yield item
    stream.write("\r\x1b[K")  # the bar goes; what was found stays
    stream.flush()


def _draw(count: int, total: int, stream: IO[str]) -> None:
    share = min(1.0, count / total) if total else 1.0
    bar = "█" * round(share * WIDTH)
    stream.write(f"\r{bar:░<{WIDTH}} {share:4.0%}  {count:,} of {total:,}")
    stream.flush()
