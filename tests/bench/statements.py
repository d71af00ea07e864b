"""Prints how many statements one debit takes."""

from __future__ import annotations

import django


def count() -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from payments.ledger import operations as ledger
    from tests.bench.seed import wallet_id

    with CaptureQueriesContext(connection) as queries:
        ledger.spend(wallet_id=wallet_id(1), tokens=1, key="counted", description="Reply")
    return len(queries)


if __name__ == "__main__":
    django.setup()
    print(count())
