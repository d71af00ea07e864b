"""One process of a benchmark. Reads seconds, does its operation that long, writes the rate."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from itertools import count
from uuid import UUID, uuid4

Operation = Callable[[UUID, str], object]


def serve(operation: Operation, wallets: int) -> None:
    """Answers every line of seconds on stdin with operations a second on stdout."""
    run, numbers = uuid4().hex[:12], count()
    print("ready", flush=True)
    for line in sys.stdin:
        secs = float(line)
        started = time.perf_counter()
        done = 0
        while time.perf_counter() - started < secs:
            wallet = UUID(int=random.randint(1, wallets))
            operation(wallet, f"{run}:{next(numbers)}")
            done += 1
        print(done / (time.perf_counter() - started), flush=True)


def operations() -> dict[str, Operation]:
    from django.db import transaction

    from payments.ledger import operations as ledger
    from payments.models import LedgerEntry

    @transaction.atomic
    def hold(wallet: UUID, key: str) -> LedgerEntry:
        return ledger.hold(wallet_id=wallet, tokens=1, key=f"{key}h", description="Reply")

    def hold_capture(wallet: UUID, key: str) -> object:
        held = hold(wallet, key)
        with transaction.atomic():
            return ledger.capture(hold=held, key=f"{key}c")

    return {"hold": hold, "hold_capture": hold_capture}


def main() -> None:
    import django

    asked = json.loads(sys.argv[1])
    django.setup()
    serve(operations()[asked["operation"]], asked["wallets"])


if __name__ == "__main__":
    main()
