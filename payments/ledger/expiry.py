"""When tokens expire: the forecast that pages show, and the pass by which housekeeping lets due
lots of all wallets expire. One wallet's expiry is in `posting.py`, the order of lots in `lots.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import DatabaseError

from intellispark.db import database_now
from payments.errors import InvariantViolated
from payments.ledger.lots import NEVER, LotMismatch, Lots, lines
from payments.ledger.models import LedgerEntry, Wallet
from payments.ledger.posting import expire_due_lots

logger = structlog.get_logger(__name__)

BATCH = 500  # wallets a pass: housekeeping comes again, and a spend settles its own wallet
NOTICE = timedelta(days=7)
KEPT_SECS = 24 * 3600  # how long a reading of lots is remembered; without it all is played again


class Expiring(NamedTuple):
    """Tokens that expire at that time unless they are spent before."""

    tokens: int
    expires_at: datetime

    @property
    def until(self) -> datetime:
        """The last second to use them: of a date at midnight people should read the day before."""
        return self.expires_at - timedelta(seconds=1)


class ExpiryForecast(NamedTuple):
    """What expires when, for a page: in the next seven days, and later."""

    soon: list[Expiring]
    later: list[Expiring]

    @classmethod
    def for_wallet(cls, wallet: Wallet) -> Self:
        dates = expiring(wallet)
        if not dates:
            return cls([], [])
        near = database_now() + NOTICE
        soon = [found for found in dates if found.expires_at <= near]
        return cls(soon, dates[len(soon) :])

    @property
    def soon_tokens(self) -> int:
        return sum(found.tokens for found in self.soon)


def expire_due_wallets(*, limit: int = BATCH) -> int:
    """How many lots expired. One transaction a wallet; twice at once or late is the same."""
    due = Wallet.objects.filter(next_expiry__lte=database_now()).order_by("next_expiry")
    found: list[UUID] = list(due.values_list("pk", flat=True)[:limit])
    return sum(_expire_one(wallet_id) for wallet_id in found)


def _expire_one(wallet_id: UUID) -> int:
    """A wallet that was tampered with, or is locked, keeps no other's lots from expiring."""
    try:
        return len(expire_due_lots(wallet_id=wallet_id))
    except (LotMismatch, InvariantViolated, DatabaseError):
        logger.exception("expiry.refused", wallet_id=str(wallet_id))
        return 0


def expiring(wallet: Wallet) -> list[Expiring]:
    """The free tokens that have a date, soonest first; lots of the same moment are one.

    No query where nothing has a date. Tokens in open holds are not counted: they are being
    spent. Tokens past their date are not counted either: they are as good as gone.
    """
    if wallet.next_expiry is None:
        return []
    now = database_now()
    tokens: dict[datetime, int] = {}
    for lot in _lots_now(wallet).free:
        if now < lot.expires_at < NEVER:
            tokens[lot.expires_at] = tokens.get(lot.expires_at, 0) + lot.free
    return [Expiring(count, expires_at) for expires_at, count in tokens.items()]


def _lots_now(wallet: Wallet) -> Lots:
    """The wallet's lots, played on from where the last reading left off.

    Entries never change, so what was played stays right; a restored wallet has another epoch.
    Only for showing: settlement plays all entries itself, under the wallet's lock.
    """
    key = f"lots:{wallet.pk}:{wallet.epoch}"
    version, lots = cache.get(key) or (0, Lots())
    entries = LedgerEntry.objects.filter(wallet_id=wallet.pk, version__gt=version)
    for line in lines(entries.order_by("version")):
        lots.apply(line)
        version = line.version
    cache.set(key, (version, lots), KEPT_SECS)
    return lots
