"""(a) One debit through `ledger.spend`, signal and publish included, against three floors.

The floors are pgbench, from C, with one prepared statement: the bare UPDATE + INSERT on tables
without triggers but with Django's foreign keys, the same without these (our guard looks references
up itself), and our own INSERT under the laws. First as in production, where each commit waits for
the disk; then without that wait, which leaves the work alone.
"""

from __future__ import annotations

from tests.bench import pgbench
from tests.bench.databases import environment, postgres
from tests.bench.measure import Row, interleave, ratio
from tests.bench.workers import workers

SHAPES = [  # name, processes, wallets, goal against the bare floor
    ("1 client, 1,000 wallets", 1, 1_000, "0.55"),
    ("4 processes, 1,000 wallets", 4, 1_000, "0.50"),
    ("4 processes, one hot wallet", 4, 1, "0.65"),
]
BARE, BAREST = "bare UPDATE + INSERT (pgbench)", "the same without foreign keys"
GUARDED = "our INSERT under the laws (pgbench)"
SPEND, SAVE = "`ledger.spend`, published", "the ORM's `save()`, published"


def run() -> list[Row]:
    rows = []
    for durable in (True, False):
        with postgres("debit", durable=durable) as url:
            pgbench.lay_bare_tables(url)
            for name, processes, wallets, goal in SHAPES:
                commits = "durable" if durable else "no wait for the disk"
                found = _interleaved(url, processes, wallets)
                rows += _rows(f"{commits}, {name}", found, goal)
    return rows


def _interleaved(url: str, processes: int, wallets: int) -> dict[str, list[float]]:
    env, shape = environment(url), {"clients": processes, "wallets": wallets}
    with (
        workers("spend", env, count=processes, wallets=wallets) as spend,
        workers("save", env, count=processes, wallets=wallets) as save,
    ):
        return interleave(
            {
                BARE: pgbench.pgbench(pgbench.BARE, url, **shape),
                BAREST: pgbench.pgbench(pgbench.BAREST, url, **shape),
                GUARDED: pgbench.pgbench(pgbench.GUARDED, url, **shape),
                SPEND: spend,
                SAVE: save,
            }
        )


def _rows(name: str, rates: dict[str, list[float]], goal: str) -> list[Row]:
    return [
        Row.of(f"**{name}**: {BARE}", rates[BARE]),
        Row.of(BAREST, rates[BAREST], ratio(rates, BAREST, BARE), "bare"),
        Row.of(GUARDED, rates[GUARDED], ratio(rates, GUARDED, BARE), "bare"),
        Row.of(SPEND, rates[SPEND], ratio(rates, SPEND, BARE), "bare", goal),
        Row.of("", rates[SPEND], ratio(rates, SPEND, BAREST), "without foreign keys"),
        Row.of("", rates[SPEND], ratio(rates, SPEND, GUARDED), "under the laws", "0.80"),
        Row.of(SAVE, rates[SAVE], ratio(rates, SAVE, BARE), "bare"),
    ]
