"""The double entry report: which tokens moved in a period, paid and granted ones apart.

Each column balances to zero: what the wallets got, the accounts gave. Tokens count as paid or
granted by the lots they were taken from (payments/ledger/lots.py). Debt has a column of its own: a
credit that pays a debt is credited in full, and the account "debt" passes it on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from payments.audit.contra_accounts import CONTRA, Account
from payments.ledger.lots import SOURCES, Line, Lots, lines
from payments.ledger.models import LedgerEntry

Columns = dict[str, int]


def _columns() -> Columns:
    return dict.fromkeys(SOURCES, 0)


@dataclass
class Report:
    """Whole tokens by source ("paid", "granted", "debt"), of entries from `start` to before `end`.

    `opening` and `change` are those of all wallets; `accounts` has a line per account and kind,
    with the opposite sign. The account "debt" has no kind.
    """

    start: datetime
    end: datetime
    opening: Columns = field(default_factory=_columns)
    change: Columns = field(default_factory=_columns)
    accounts: dict[tuple[Account, str], Columns] = field(
        default_factory=lambda: defaultdict(_columns)
    )
    entries: int = 0

    @property
    def closing(self) -> Columns:
        return {source: self.opening[source] + self.change[source] for source in SOURCES}

    @property
    def proof(self) -> Columns:
        """What the wallets and the accounts add up to: zero in every column."""
        lines = self.accounts.values()
        return {
            source: self.change[source] + sum(line[source] for line in lines) for source in SOURCES
        }

    def rows(self) -> list[tuple[str, str, Columns]]:
        """Account, kind and columns, in the order of the accounts."""
        order = [*Account]
        found = sorted(self.accounts.items(), key=lambda item: (order.index(item[0][0]), item[0]))
        return [(str(account.label), kind, columns) for (account, kind), columns in found]

    def add(self, line: Line, lots: Lots) -> None:
        moves = lots.apply(line)
        if line.created_at >= self.end:
            return
        if line.created_at < self.start:
            for move in moves:
                self.opening[move.source] += move.tokens
            return
        self.entries += 1
        for move in moves:
            self.change[move.source] += move.tokens
            account = (Account.DEBT, "") if move.pays_debt else (CONTRA[line.kind], line.kind)
            self.accounts[account][move.source] -= move.tokens


def build(*, start: datetime, end: datetime) -> Report:
    """The report of a period: one pass over all entries, one wallet in memory.

    It reads all entries, because what is left of earlier credits decides what later entries take.
    Raises LotMismatch when the entries contradict each other; `check_ledger` then names them.
    """
    report = Report(start, end)
    refunded = LedgerEntry.objects.filter(reverses__isnull=False)
    refundable = frozenset(refunded.values_list("reverses_id", flat=True))
    for _, rows in _by_wallet():
        lots = Lots(refundable)
        for line in rows:
            report.add(line, lots)
    return report


def _by_wallet() -> Iterator[tuple[object, Iterator[Line]]]:
    ordered = LedgerEntry.objects.order_by("wallet_id", "version")
    return groupby(lines(ordered), key=attrgetter("wallet_id"))
