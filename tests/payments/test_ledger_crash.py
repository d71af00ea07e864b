"""Writers that are killed in mid-work: what was acknowledged is there, once, and all adds up.

Each round forks writers, lets them work for a random moment and kills them with SIGKILL. They
say through a pipe what they are about to write and what they were told is written.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from payments import ledger
from payments.models import LedgerEntry, Wallet
from payments.proof import differences
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
WRITERS = 2
SEED = int(os.environ.get("CRASH_SEED", str(random.randrange(10**6))))


def test_killed_writers_lose_nothing_acknowledged_and_repeat_nothing() -> None:
    print(f"CRASH_SEED={SEED}")  # pytest shows it when the test fails
    dice = random.Random(SEED)
    wallets = [make_user(tokens=10**6).pk for _ in range(2)]
    said: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        said += _round(number, wallets, dice)
        assert [str(found) for found in differences()] == []
    intended = [line for line in said if "version" not in line]
    acknowledged = {line["key"]: line["version"] for line in said if "version" in line}
    assert len(acknowledged) > ROUNDS, "the writers hardly wrote"
    stored = dict(LedgerEntry.objects.values_list("key", "version"))
    assert {key: stored.get(key) for key in acknowledged} == acknowledged
    _both_or_neither(intended, stored)

    before = LedgerEntry.objects.count()
    missing = sum(key not in stored for line in intended for key in _keys(line))
    for line in intended:  # each client comes back and asks for the same again
        _write(UUID(line["wallet"]), line["what"], line["key"])
    assert LedgerEntry.objects.count() == before + missing
    assert [str(found) for found in differences()] == []
    for wallet_id in wallets:
        asked = [line["what"] for line in intended if line["wallet"] == str(wallet_id)]
        change = sum(1 if what == "grant" else -1 for what in asked)
        assert Wallet.objects.get(pk=wallet_id).balance == 10**6 + change


def _round(number: int, wallets: list[UUID], dice: random.Random) -> Iterator[dict[str, Any]]:
    """What the writers of one round said before they were killed."""
    connection.close()  # nothing of it may be shared with a forked process
    if connection.vendor == "postgresql":
        connection.close_pool()
    pipes, pids = [], []
    for writer in range(WRITERS):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _work(writing, wallets, f"{number}:{writer}", dice.randrange(10**9))
        os.close(writing)
        pipes.append(reading)
        pids.append(pid)
    time.sleep(dice.uniform(0.02, 0.25))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    _wait_for_the_dead()
    for reading in pipes:
        with os.fdopen(reading) as pipe:
            yield from map(json.loads, pipe)


def _wait_for_the_dead() -> None:
    """PostgreSQL finishes a dead client's statement; such backends are older than our own."""
    for _ in range(50 if connection.vendor == "postgresql" else 0):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_stat_activity a, pg_stat_activity mine"
                " WHERE mine.pid = pg_backend_pid() AND a.datname = mine.datname"
                " AND a.backend_type = mine.backend_type AND a.backend_start < mine.backend_start"
            )
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.02)


def _work(pipe: int, wallets: list[UUID], name: str, seed: int) -> None:
    """The writer: works until it is killed; never returns into pytest."""
    try:
        dice = random.Random(seed)
        for number in count():
            what = dice.choice(["spend", "grant", "both", "one by one"])
            line = {"what": what, "wallet": str(dice.choice(wallets)), "key": f"{name}:{number}"}
            os.write(pipe, f"{json.dumps(line)}\n".encode())
            for entry in _write(UUID(line["wallet"]), what, line["key"]):
                told = {"key": entry.key, "version": entry.version}
                os.write(pipe, f"{json.dumps(told)}\n".encode())
    finally:
        os._exit(1)


def _write(wallet_id: UUID, what: str, key: str) -> list[LedgerEntry]:
    if what == "spend":
        return [ledger.spend(wallet_id=wallet_id, tokens=1, key=key)]
    if what == "grant":
        return [ledger.grant(wallet_id=wallet_id, tokens=1, key=key)]
    if what == "both":  # as a reply does it: in one transaction
        with transaction.atomic():
            return _hold_and_capture(wallet_id, key)
    return _hold_and_capture(wallet_id, key)


def _hold_and_capture(wallet_id: UUID, key: str) -> list[LedgerEntry]:
    held = ledger.hold(wallet_id=wallet_id, tokens=2, key=f"{key}:h")
    return [held, ledger.capture(hold=held, tokens=1, key=f"{key}:c")]


def _keys(line: dict[str, Any]) -> list[str]:
    key = line["key"]
    return [key] if line["what"] in ("spend", "grant") else [f"{key}:h", f"{key}:c"]


def _both_or_neither(intended: list[dict[str, Any]], stored: dict[str, int]) -> None:
    for line in intended:
        if line["what"] == "both":
            assert len({key in stored for key in _keys(line)}) == 1, line
