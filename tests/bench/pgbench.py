"""The floors: pgbench, which speaks to PostgreSQL from C with prepared statements."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

# Our tables without the laws: with a foreign key for each reference, as Django makes them unless
# told otherwise, and without any but the actor's, as ours are (the guard looks up all others).
_TABLES = """
CREATE TABLE {0}_wallet (LIKE payments_wallet INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE {0}_entry
    (LIKE payments_ledgerentry INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING IDENTITY);
INSERT INTO {0}_wallet SELECT * FROM payments_wallet;
ALTER TABLE {0}_entry
    ADD FOREIGN KEY (actor_id) REFERENCES accounts_user DEFERRABLE INITIALLY DEFERRED;
"""
BARE_TABLES = f"""
{_TABLES.format("bare")}
ALTER TABLE bare_entry
    ADD FOREIGN KEY (wallet_id) REFERENCES bare_wallet DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (hold_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (reverses_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (lot_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED;
{_TABLES.format("barest")}
"""

_WALLET = "lpad(to_hex(:wallet::bigint), 32, '0')::uuid"
_RANDOM = "\\set wallet random(1, {wallets})\n\\set key random(1, 9000000000000000000)\n"

BARE = f"""
WITH w AS (
    UPDATE bare_wallet SET balance = balance - 1, version = version + 1, updated_at = now()
    WHERE user_id = {_WALLET} AND balance - held >= 1
    RETURNING user_id, version, epoch, balance, held
)
INSERT INTO bare_entry (wallet_id, version, epoch, kind, amount, held_change, balance_after,
    held_after, key, op, reason, description, reference, created_at)
SELECT user_id, version, epoch, 'spend', -1, 0, balance, held, 'p' || :key::text, '', '',
    'Reply', '',
    now() FROM w
RETURNING id, version, epoch, balance_after, held_after, created_at;
"""
BAREST = BARE.replace("bare_", "barest_")

GUARDED = f"""
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, key, op, reason,
    description, reference)
VALUES ({_WALLET}, 'spend', -1, 0, 'p' || :key::text, '', '', 'Reply', '')
RETURNING id, version, epoch, balance_after, held_after, created_at;
"""

GUARDED_HOLD_CAPTURE = f"""
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, key, op, reason,
    description, reference)
VALUES ({_WALLET}, 'hold', 0, 1, 'h' || :key::text, '', '', 'Reply', '')
RETURNING id AS hold, version, epoch, balance_after, held_after, created_at \\gset
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, hold_id, key, op, reason,
    description, reference)
VALUES ({_WALLET}, 'capture', -1, -1, :hold, 'c' || :key::text, '', '', 'Reply', '')
RETURNING id, version, epoch, balance_after, held_after, created_at;
"""


def lay_bare_tables(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(BARE_TABLES)


def pgbench(
    script: str, url: str, *, clients: int = 1, wallets: int = 1_000
) -> Callable[[int], float]:
    """A contender that runs the script with prepared statements."""
    program = find()

    def run(secs: int) -> float:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(_RANDOM.format(wallets=wallets) + script)
            file.flush()
            shape = ["-c", str(clients), "-j", str(clients), "-T", str(secs)]
            found = subprocess.run(
                [program, "-n", "-M", "prepared", *shape, "-f", file.name, url],
                capture_output=True,
                text=True,
            )
        rate = re.search(r"tps = ([\d.]+)", found.stdout)
        if found.returncode or not rate or float(rate[1]) == 0:
            raise RuntimeError(f"pgbench failed: {found.stderr[-500:]}")
        return float(rate[1])

    return run


def find() -> str:
    """pgbench's path. Debian keeps it beside the server, not on the PATH."""
    found = shutil.which("pgbench") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), ""
    )
    if not found:
        raise RuntimeError("pgbench is not installed (Debian: postgresql-contrib).")
    return found
