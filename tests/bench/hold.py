"""(a) A hold and its capture, each in a transaction of its own, as a reply has them.

The floors are pgbench, from C, with prepared statements: the bare UPDATE + INSERT twice on tables
with our indexes and foreign keys, but without triggers and CHECKs; and our own two INSERTs, which
the database checks. Commits do not wait for the disk, which would hide the work.
"""

from __future__ import annotations

from tests.bench import pgbench
from tests.bench.databases import environment, postgres
from tests.bench.measure import Row, interleave, markdown, ratio
from tests.bench.workers import workers

SHAPES = [  # name, processes, wallets
    ("1 client, 1,000 wallets", 1, 1_000),
    ("4 processes, 1,000 wallets", 4, 1_000),
    ("4 processes, one hot wallet", 4, 1),
]
BARE, GUARDED = "bare UPDATE + INSERT, twice (pgbench)", "our two INSERTs (pgbench)"
OURS = "`ledger.hold`, `ledger.capture`, published"


def run() -> str:
    with postgres("hold") as url:
        pgbench.lay_bare_tables(url)
        rows = [row for shape in SHAPES for row in _rows(url, *shape)]
    return markdown(rows)


def _rows(url: str, name: str, processes: int, wallets: int) -> list[Row]:
    shape = {"clients": processes, "wallets": wallets}
    with workers("hold_capture", environment(url), count=processes, wallets=wallets) as ours:
        rates = interleave(
            {
                BARE: pgbench.pgbench(pgbench.BARE, url, **shape),
                GUARDED: pgbench.pgbench(pgbench.GUARDED, url, **shape),
                OURS: ours,
            }
        )
    return [
        Row.of(f"**{name}**: {BARE}", rates[BARE]),
        Row.of(GUARDED, rates[GUARDED], ratio(rates, GUARDED, BARE), "bare"),
        Row.of(OURS, rates[OURS], ratio(rates, OURS, BARE), "bare"),
        Row.of("", rates[OURS], ratio(rates, OURS, GUARDED), "our INSERTs"),
    ]
