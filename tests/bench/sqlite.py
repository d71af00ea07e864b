"""(c) A hold and its capture on SQLite against Python's own sqlite3 with the same pragmas."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from tests.bench import databases
from tests.bench.measure import Row, interleave, markdown, ratio
from tests.bench.workers import workers

BARE, GUARDED = "bare UPDATE + INSERT, twice (sqlite3)", "our two INSERTs (sqlite3)"
OURS = "`ledger.hold`, `ledger.capture`, published"
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
UPDATE bare_wallet SET balance = balance + ?2, held = held + ?3, version = version + 1
WHERE user_id = ?1 AND balance - held >= ?3 RETURNING version, epoch, balance, held"""
INSERT = """
INSERT INTO bare_entry (wallet_id, version, epoch, balance_after, held_after, kind, amount,
    held_change, hold_id, key, op, reason, description, reference, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 'Reply', '', STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW'))
RETURNING id, created_at"""
OURS_SQL = """
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, hold_id, key, op, reason,
    description, reference, version, epoch, balance_after, held_after)
VALUES (?1, ?4, ?2, ?3, ?5, ?6, '', '', 'Reply', '',
    (SELECT version + 1 FROM payments_wallet WHERE user_id = ?1),
    (SELECT epoch FROM payments_wallet WHERE user_id = ?1),
    (SELECT balance + ?2 FROM payments_wallet WHERE user_id = ?1),
    (SELECT held + ?3 FROM payments_wallet WHERE user_id = ?1))
RETURNING id, version, epoch, balance_after, held_after, created_at"""

Write = Callable[[str, str, int, int, int | None, str], int]
"""Wallet, kind, amount, change of what is held, hold, key: the id of the entry."""


def run() -> str:
    with databases.sqlite() as url:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.executescript(PRAGMAS + BARE_TABLES)

        def bare(wallet: str, kind: str, amount: int, held: int, hold: int | None, key: str) -> int:
            row = connection.execute(UPDATE, (wallet, amount, held)).fetchone()
            entry = (wallet, *row, kind, amount, held, hold, key)
            return connection.execute(INSERT, entry).fetchone()[0]

        def guarded(
            wallet: str, kind: str, amount: int, held: int, hold: int | None, key: str
        ) -> int:
            entry = (wallet, amount, held, kind, hold, key)
            return connection.execute(OURS_SQL, entry).fetchone()[0]

        with workers("hold_capture", databases.environment(url)) as ours:
            contenders = {
                BARE: _contender(connection, bare),
                GUARDED: _contender(connection, guarded),
                OURS: ours,
            }
            rates = interleave(contenders)
        connection.close()
    return markdown(
        [
            Row.of(BARE, rates[BARE]),
            Row.of(GUARDED, rates[GUARDED], ratio(rates, GUARDED, BARE), "bare"),
            Row.of(OURS, rates[OURS], ratio(rates, OURS, BARE), "bare"),
            Row.of("", rates[OURS], ratio(rates, OURS, GUARDED), "our INSERTs"),
        ]
    )


def _contender(connection: sqlite3.Connection, write: Write) -> Callable[[int], float]:
    run, numbers = uuid4().hex[:12], count()

    def in_transaction(*entry: Any) -> int:
        connection.execute("BEGIN IMMEDIATE")
        written = write(*entry)
        connection.execute("COMMIT")
        return written

    def repeat(secs: int) -> float:
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < secs:
            wallet, key = UUID(int=random.randint(1, 1_000)).hex, f"{run}:{next(numbers)}"
            held = in_transaction(wallet, "hold", 0, 1, None, f"{key}h")
            in_transaction(wallet, "capture", -1, -1, held, f"{key}c")
            done += 1
        return done / (time.perf_counter() - started)

    return repeat
