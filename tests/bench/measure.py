"""Contenders take turns; the medians and their ratios make one table."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECS = int(os.environ.get("BENCH_SECS", "2"))


@dataclass(frozen=True)
class Row:
    """One line of the table: how often a second, and the ratio to what it is held against."""

    what: str
    per_sec: float
    ratio: float | None = None
    against: str = ""
    goal: str = ""

    @classmethod
    def of(
        cls,
        what: str,
        rates: list[float],
        ratio: float | None = None,
        against: str = "",
        goal: str = "",
    ) -> Row:
        return cls(what, median(rates), ratio, against, goal)


def interleave(contenders: Mapping[str, Callable[[int], float]]) -> dict[str, list[float]]:
    """What each contender did a second, round by round. Every other round runs backwards.

    A contender is called with the seconds it has. The first, shorter round warms up and is
    thrown away.
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run(1)
    for number in range(ROUNDS):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            rates[name].append(contenders[name](SECS))
            print(f"  {number + 1}/{ROUNDS} {name}: {rates[name][-1]:,.0f}/s", file=sys.stderr)
    return rates


def ratio(rates: Mapping[str, list[float]], name: str, floor: str) -> float:
    """The median over the rounds of one contender's rate through the other's in that round."""
    return median(a / b for a, b in zip(rates[name], rates[floor], strict=True))


def markdown(rows: list[Row]) -> str:
    lines = ["| what | per second | ratio | against | goal |", "| --- | ---: | ---: | --- | --- |"]
    for row in rows:
        share = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(f"| {row.what} | {row.per_sec:,.0f} | {share} | {row.against} | {row.goal} |")
    return "\n".join(lines)


def machine() -> str:
    """One line about where the figures come from, and how busy it was with other things too."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()}, Python {platform.python_version()}"
    )
