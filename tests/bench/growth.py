"""(d) A hold and its capture in a book of ten thousand, a hundred thousand, a million lines."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg

from tests.bench.databases import environment, postgres
from tests.bench.measure import Row, interleave, markdown, ratio
from tests.bench.seed import WALLETS
from tests.bench.workers import workers

SIZES = [10_000, 100_000, 1_000_000]
FILL = """
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, key, op, reason,
    description, reference)
SELECT user_id, 'spend', -1, 0, %s, '', '', 'Reply', '' FROM payments_wallet"""


def run() -> str:
    with ExitStack() as stack:
        contenders, source, filled = {}, "", 0
        for size in SIZES:
            url = stack.enter_context(postgres(f"growth_{size}", template=source))
            _fill(url, filled, size)
            source, filled = url, size
        # Only now: a database that somebody uses cannot be copied.
        for size in SIZES:
            url = source.replace(f"growth_{SIZES[-1]}", f"growth_{size}")
            contenders[_name(size)] = stack.enter_context(workers("hold_capture", environment(url)))
        rates = interleave(contenders)
    first = _name(SIZES[0])
    return markdown(
        [
            Row.of(first, rates[first]),
            *(
                Row.of(name, rates[name], ratio(rates, name, first), first, "0.90")
                for name in map(_name, SIZES[1:])
            ),
        ]
    )


def _name(size: int) -> str:
    return f"{size:,} entries"


def _fill(url: str, filled: int, size: int) -> None:
    """Under the triggers, one entry a wallet and statement: they refuse two."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(filled // WALLETS, size // WALLETS):
            connection.execute(FILL, (f"fill:{number}",))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
