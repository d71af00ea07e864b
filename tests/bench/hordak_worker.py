"""The worker of (c). Runs in hordak's own virtual environment, with settings of its own."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from uuid import UUID

import django
from django.conf import settings

from tests.bench.worker import serve

ACCOUNTS = 1_000


def main() -> None:
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
                "OPTIONS": {"pool": True, "server_side_binding": True, "prepare_threshold": 1},
            }
        },
    )
    django.setup()
    from django.core.management import call_command
    from hordak.models import Account
    from moneyed import Money

    call_command("migrate", verbosity=0)
    kinds = {"type": "IN", "currencies": ["EUR"]}
    income = Account.objects.create(name="Replies", code="1", **kinds)
    wallets = [
        Account.objects.create(name=f"w{n}", code=str(n + 10), **(kinds | {"type": "LI"}))
        for n in range(ACCOUNTS)
    ]
    price = Money(1, "EUR")

    def transfer(wallet: UUID, key: str) -> object:
        return wallets[wallet.int - 1].transfer_to(income, price, description="Reply")

    serve(transfer, ACCOUNTS)


if __name__ == "__main__":
    main()
