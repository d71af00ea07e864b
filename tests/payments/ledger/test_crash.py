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
from select import select
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from payments.audit.verify import differences
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
WRITERS = 2
PATIENCE_SECS = 60
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
    assert len(acknowledged) >= ROUNDS * WRITERS
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
    name = f"writer-{uuid4().hex}"
    pipes, pids = [], []
    for writer in range(WRITERS):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _work(writing, wallets, name, f"{number}:{writer}", dice.randrange(10**9) + writer)
        os.close(writing)
        pipes.append(reading)
        pids.append(pid)
    told = [_until_something_is_written(reading) for reading in pipes]
    time.sleep(dice.uniform(0, 0.25))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    _wait_for_the_dead(name)
    for reading, begin in zip(pipes, told, strict=True):
        with os.fdopen(reading) as pipe:
            yield from map(json.loads, (begin + pipe.read()).splitlines())


def _until_something_is_written(reading: int) -> str:
    """What a writer says until it is first told that something is written."""
    said = b""
    while b'"version"' not in said:
        assert select([reading], [], [], PATIENCE_SECS)[0], "the writer hardly writes"
        part = os.read(reading, 4_096)
        assert part, "the writer is gone"
        said += part
    return said.decode()


def _wait_for_the_dead(name: str) -> None:
    """PostgreSQL finishes a dead client's statement, and commits it, whenever it gets to it."""
    deadline = time.monotonic() + PATIENCE_SECS
    while connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = %s", [name]
            )
            if cursor.fetchone() == (0,):
                return
        assert time.monotonic() < deadline, "a dead client is still served"
        time.sleep(0.02)


def _work(pipe: int, wallets: list[UUID], name: str, prefix: str, seed: int) -> None:
    """The writer: works until it is killed; never returns into pytest."""
    try:
        if connection.vendor == "postgresql":
            connection.settings_dict["OPTIONS"]["application_name"] = name
        dice = random.Random(seed)
        for number in count():
            what = dice.choice(["spend", "grant", "both", "one by one"])
            line = {"what": what, "wallet": str(dice.choice(wallets)), "key": f"{prefix}:{number}"}
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
