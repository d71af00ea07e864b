"""The worker of (b). Runs in hordak's own virtual environment, with settings of its own."""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit
from uuid import UUID

import django
from django.conf import settings

from tests.bench.worker import serve

ACCOUNTS = 1_000
TUNED = {"pool": True, "server_side_binding": True, "prepare_threshold": 1}
OPTIONS: dict[str, dict[str, object]] = {"stock": {}, "tuned": TUNED, "checked": TUNED}


def main() -> None:
    asked = json.loads(sys.argv[1])["operation"]
    url = urlsplit(os.environ["DATABASE_URL"])
    settings.configure(
        SECRET_KEY="for-measurements-only",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        CURRENCIES=["EUR"],
        DEFAULT_CURRENCY="EUR",
        HORDAK_INTERNAL_CURRENCY="EUR",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "mptt",
            "hordak",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.path[1:],
                "USER": url.username or "",
                "PASSWORD": url.password or "",
                "HOST": url.hostname or "",
                "PORT": url.port or "",
                "OPTIONS": OPTIONS[asked],
            }
        },
    )
    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from hordak.models import Account
    from moneyed import Money

    call_command("migrate", verbosity=0)
    kinds = {"type": "IN", "currencies": ["EUR"]}
    first = (ACCOUNTS + 10) * [*OPTIONS].index(asked)  # each worker has accounts of its own
    income = Account.objects.create(name="Replies", code=str(first + 1), **kinds)
    wallets = [
        Account.objects.create(name=f"w{n}", code=str(first + n + 10), **(kinds | {"type": "LI"}))
        for n in range(ACCOUNTS)
    ]
    price, floor = Money(1, "EUR"), Money(-1_000_000, "EUR")

    def transfer(wallet: UUID, key: str) -> object:
        return wallets[wallet.int - 1].transfer_to(income, price, description="Reply")

    def checked(wallet: UUID, key: str) -> object:
        """What keeps two debits from spending the same money, and a debit from going below zero."""
        with transaction.atomic():
            account = Account.objects.select_for_update().get(pk=wallets[wallet.int - 1].pk)
            if account.get_balance() < price + floor:
                raise ValueError("insufficient")
            return account.transfer_to(income, price, description="Reply")

    serve(checked if asked == "checked" else transfer, ACCOUNTS)


if __name__ == "__main__":
    main()
