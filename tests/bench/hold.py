"""(b) A hold and its capture, two debits' work, each committed and published by itself."""

from __future__ import annotations

from tests.bench import pgbench
from tests.bench.databases import environment, postgres
from tests.bench.measure import Row, interleave, ratio
from tests.bench.workers import workers

FLOOR, OURS = "two INSERTs under the laws (pgbench)", "`ledger.hold` + `ledger.capture`"


def run() -> list[Row]:
    with postgres("hold") as url, workers("hold_capture", environment(url)) as ours:
        floor = pgbench.pgbench(pgbench.GUARDED_HOLD_CAPTURE, url)
        rates = interleave({FLOOR: floor, OURS: ours})
    return [
        Row.of(FLOOR, rates[FLOOR]),
        Row.of(OURS, rates[OURS], ratio(rates, OURS, FLOOR), "under the laws"),
    ]
