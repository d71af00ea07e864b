"""(e) The same debit where the book has ten thousand, a hundred thousand, a million lines."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import psycopg

from tests.bench.databases import ROOT, environment, postgres
from tests.bench.measure import Row, interleave, ratio
from tests.bench.seed import WALLETS
from tests.bench.workers import workers

SIZES = [10_000, 100_000, 1_000_000]
FILL = """
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, key, op, reason,
    description, reference)
SELECT user_id, 'spend', -1, 0, %s, '', '', 'Reply', '' FROM payments_wallet"""


def run() -> list[Row]:
    with ExitStack() as stack:
        contenders, source, filled = {}, "", 0
        for size in SIZES:
            url = stack.enter_context(postgres(f"growth_{size}", template=source))
            _fill(url, filled, size)
            source, filled = url, size
        statements = _statements(source)
        # Only now: a database that somebody uses cannot be copied.
        for size in SIZES:
            url = source.replace(f"growth_{SIZES[-1]}", f"growth_{size}")
            contenders[_name(size)] = stack.enter_context(workers("spend", environment(url)))
        rates = interleave(contenders)
        first = _name(SIZES[0])
        return [
            Row("statements of one debit", statements, goal="1"),
            Row.of(first, rates[first]),
            *(
                Row.of(name, rates[name], ratio(rates, name, first), first, "0.90")
                for name in map(_name, SIZES[1:])
            ),
        ]


def _statements(url: str) -> int:
    command = [sys.executable, "-m", "tests.bench.statements"]
    found = subprocess.run(
        command, env=environment(url), cwd=ROOT, check=True, capture_output=True, text=True
    )
    return int(found.stdout)


def _name(size: int) -> str:
    return f"{size:,} entries"


def _fill(url: str, filled: int, size: int) -> None:
    """Through the laws, one entry a wallet and statement: they would refuse two."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(filled // WALLETS, size // WALLETS):
            connection.execute(FILL, (f"fill:{number}",))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
