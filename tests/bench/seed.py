"""Fills a new database: a thousand wallets with more tokens than any round can spend."""

from __future__ import annotations

from uuid import UUID

import django

WALLETS = 1_000
FUNDS = 10**12


def wallet_id(number: int) -> UUID:
    """The id of the wallet with that number, 1 to WALLETS; pgbench's scripts form the same."""
    return UUID(int=number)


def fill() -> None:
    from intellispark.accounts.models import User
    from payments.ledger import operations as ledger
    from payments.models import Wallet

    users = [
        User(id=wallet_id(n), username=f"bench{n}", email=f"bench{n}@example.com")
        for n in range(1, WALLETS + 1)
    ]
    User.objects.bulk_create(users)  # without signals: no welcome tokens
    Wallet.objects.bulk_create([Wallet(user=user) for user in users])
    for user in users:
        ledger.grant(wallet_id=user.pk, tokens=FUNDS, key="bench")


if __name__ == "__main__":
    django.setup()
    fill()
