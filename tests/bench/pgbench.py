"""The floors: pgbench, which speaks to PostgreSQL from C with prepared statements."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

# Our tables with their indexes and foreign keys, without triggers and CHECKs.
BARE_TABLES = """
CREATE TABLE bare_wallet (LIKE payments_wallet INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bare_entry
    (LIKE payments_ledgerentry INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING IDENTITY);
INSERT INTO bare_wallet SELECT * FROM payments_wallet;
ALTER TABLE bare_entry
    ADD FOREIGN KEY (actor_id) REFERENCES accounts_user DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (wallet_id) REFERENCES bare_wallet DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (hold_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (reverses_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (lot_id) REFERENCES bare_entry DEFERRABLE INITIALLY DEFERRED;
"""

_WALLET = "lpad(to_hex(:wallet::bigint), 32, '0')::uuid"
_RANDOM = "\\set wallet random(1, {wallets})\n\\set key random(1, 9000000000000000000)\n"


def _bare(kind: str, amount: int, held: int, hold: str) -> str:
    """The wallet's UPDATE and the entry's INSERT in one statement."""
    return f"""
WITH w AS (
    UPDATE bare_wallet SET balance = balance + {amount}, held = held + {held},
        version = version + 1, updated_at = now()
    WHERE user_id = {_WALLET} AND balance - held >= {held}
    RETURNING user_id, version, epoch, balance, held
)
INSERT INTO bare_entry (wallet_id, version, epoch, kind, amount, held_change, balance_after,
    held_after, hold_id, key, op, reason, description, reference, created_at)
SELECT user_id, version, epoch, '{kind}', {amount}, {held}, balance, held, {hold},
    '{kind}' || :key::text, '', '', 'Reply', '', now() FROM w
RETURNING id AS entry"""


def _guarded(kind: str, amount: int, held: int, hold: str) -> str:
    return f"""
INSERT INTO payments_ledgerentry (wallet_id, kind, amount, held_change, hold_id, key, op, reason,
    description, reference)
VALUES ({_WALLET}, '{kind}', {amount}, {held}, {hold}, '{kind}' || :key::text, '', '', 'Reply', '')
RETURNING id AS entry, version, epoch, balance_after, held_after, created_at"""


def _twice(statement: Callable[[str, int, int, str], str]) -> str:
    hold, capture = statement("hold", 0, 1, "NULL"), statement("capture", -1, -1, ":entry")
    return f"BEGIN;{hold} \\gset\nCOMMIT;\nBEGIN;{capture};\nCOMMIT;\n"


BARE, GUARDED = _twice(_bare), _twice(_guarded)


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
