"""(d) A debit on SQLite against Python's own sqlite3 module with the same pragmas."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from itertools import count
from uuid import UUID, uuid4

from tests.bench import databases
from tests.bench.measure import Row, interleave, ratio
from tests.bench.workers import workers

BARE, GUARDED = "bare UPDATE + INSERT (sqlite3)", "our INSERT under the laws (sqlite3)"
OURS = "`ledger.spend`, published"
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"

BARE_TABLES = """
CREATE TABLE bare_wallet AS SELECT * FROM payments_wallet;
CREATE UNIQUE INDEX bare_wallet_pk ON bare_wallet (user_id);
CREATE TABLE bare_entry (id INTEGER PRIMARY KEY AUTOINCREMENT, wallet_id, version, epoch, kind,
    amount, held_change, balance_after, held_after, hold_id UNIQUE, reverses_id UNIQUE, key, op,
    actor_id, reason, description, reference, created_at);
CREATE UNIQUE INDEX bare_entry_version ON bare_entry (wallet_id, version);
CREATE UNIQUE INDEX bare_entry_key ON bare_entry (wallet_id, key);
"""
UPDATE = """
UPDATE bare_wallet SET balance = balance - 1, version = version + 1
WHERE user_id = ? AND balance - held >= 1 RETURNING version, epoch, balance, held"""
INSERT = """
INSERT INTO bare_entry (wallet_id, version, epoch, balance_after, held_after, kind, amount,
    held_change, key, op, reason, description, reference, created_at)
VALUES (?, ?, ?, ?, ?, 'spend', -1, 0, ?, '', '', 'Reply', '',
    STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW'))
RETURNING id, created_at"""
OURS_SQL = """
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, key, op, reason,
    description, reference, version, epoch, balance_after, held_after)
VALUES (?1, 'spend', -1, 0, ?2, '', '', 'Reply', '',
    (SELECT version + 1 FROM payments_wallet WHERE user_id = ?1),
    (SELECT epoch FROM payments_wallet WHERE user_id = ?1),
    (SELECT balance - 1 FROM payments_wallet WHERE user_id = ?1),
    (SELECT held FROM payments_wallet WHERE user_id = ?1))
RETURNING id, version, epoch, balance_after, held_after, created_at"""


def run() -> list[Row]:
    with databases.sqlite() as url:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.executescript(PRAGMAS + BARE_TABLES)

        def bare(wallet: str, key: str) -> None:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute(UPDATE, (wallet,)).fetchone()
            connection.execute(INSERT, (wallet, *row, key)).fetchone()
            connection.execute("COMMIT")

        def guarded(wallet: str, key: str) -> None:
            connection.execute(OURS_SQL, (wallet, key)).fetchone()

        with workers("spend", databases.environment(url)) as ours:
            contenders = {BARE: _contender(bare), GUARDED: _contender(guarded), OURS: ours}
            rates = interleave(contenders)
        connection.close()
    return [
        Row.of(BARE, rates[BARE]),
        Row.of(GUARDED, rates[GUARDED], ratio(rates, GUARDED, BARE), "bare"),
        Row.of(OURS, rates[OURS], ratio(rates, OURS, BARE), "bare"),
        Row.of("", rates[OURS], ratio(rates, OURS, GUARDED), "under the laws"),
    ]


def _contender(operation: Callable[[str, str], None]) -> Callable[[int], float]:
    run, numbers = uuid4().hex[:12], count()

    def repeat(secs: int) -> float:
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < secs:
            operation(UUID(int=random.randint(1, 1_000)).hex, f"{run}:{next(numbers)}")
            done += 1
        return done / (time.perf_counter() - started)

    return repeat
