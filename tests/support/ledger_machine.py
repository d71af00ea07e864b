"""A hypothesis machine that does everything the ledger can, and proves it after each step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import IntegrityError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from intellispark.api.errors import DomainError
from payments.audit.verify import differences
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.plain_ledger import Line, PlainLedger, Refused
from tests.support.time_travel import in_days, pass_time

TOKENS = st.integers(1, 9)
PICK = st.integers(0, 10**6)

ATTACKS = [
    "UPDATE payments_ledgerentry SET amount = amount + 1",
    "UPDATE payments_ledgerentry SET created_at = created_at",
    "DELETE FROM payments_ledgerentry",
    "UPDATE payments_wallet SET balance = balance + 1",
    "UPDATE payments_wallet SET held = 0, version = version + 1",
    "DELETE FROM payments_wallet",
]

# What must be 0 in every wallet, whatever happened: one query an invariant.
INVARIANTS = {
    "1: sums": """
        SELECT COUNT(*) FROM (
            SELECT balance_after, held_after,
                SUM(amount) OVER (PARTITION BY wallet_id ORDER BY version) AS balance,
                SUM(held_change) OVER (PARTITION BY wallet_id ORDER BY version) AS held
            FROM payments_ledgerentry
        ) e WHERE balance_after <> balance OR held_after <> held""",
    "2: versions": """
        SELECT COUNT(*) FROM (
            SELECT w.version AS last, w.balance, w.held, COUNT(e.id) AS entries,
                MAX(e.version) AS newest, SUM(e.amount) AS amounts, SUM(e.held_change) AS helds
            FROM payments_wallet w JOIN payments_ledgerentry e ON e.wallet_id = w.user_id
            GROUP BY w.user_id, w.version, w.balance, w.held
        ) x WHERE last <> entries OR last <> newest OR balance <> amounts OR held <> helds""",
    "3: funds": """
        SELECT COUNT(*) FROM payments_ledgerentry
        WHERE (kind IN ('hold', 'spend', 'expiry') OR (kind = 'adjustment' AND amount < 0))
            AND balance_after < held_after""",
    "5: holds": """
        SELECT COUNT(*) FROM payments_ledgerentry r
        LEFT JOIN payments_ledgerentry h ON h.id = r.hold_id AND h.wallet_id = r.wallet_id
        WHERE r.kind IN ('capture', 'release')
            AND (h.id IS NULL OR h.held_change <> -r.held_change OR -r.amount > h.held_change
                OR (SELECT COUNT(*) FROM payments_ledgerentry o WHERE o.hold_id = h.id) <> 1)""",
    "6: keys": """
        SELECT COUNT(*) - COUNT(DISTINCT key) FROM payments_ledgerentry GROUP BY wallet_id""",
    "7: actors": """
        SELECT COUNT(*) FROM payments_ledgerentry e
        LEFT JOIN payments_ledgerentry r ON r.id = e.reverses_id
        WHERE (kind_accountable AND (e.actor_id IS NULL OR e.reason = ''))
            OR (e.kind = 'refund' AND (r.id IS NULL OR r.amount <> -e.amount))""".replace(
        "kind_accountable", "e.kind IN ('adjustment', 'write_off')"
    ),
    "8: lots": """
        SELECT COUNT(*) FROM payments_ledgerentry g
        WHERE g.expires_at IS NOT NULL AND g.amount + COALESCE(
            (SELECT SUM(x.amount) FROM payments_ledgerentry x WHERE x.lot_id = g.id), 0) < 0""",
}


class LedgerMachine(RuleBasedStateMachine):
    """One wallet, driven beside a plain one. Each example is rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        user = make_user()
        self.wallet_id, self.actor = user.pk, user
        self.plain = PlainLedger()
        self.plain.credit("grant", 10)  # the welcome tokens
        self.keys = count()
        self.done: list[tuple[Callable[..., LedgerEntry], dict[str, Any], LedgerEntry]] = []
        self.by_version: dict[int, LedgerEntry] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    # --- What can be done -----------------------------------------------------------------

    @rule(tokens=TOKENS, days=st.none() | st.integers(1, 6))
    def grant(self, tokens: int, days: int | None) -> None:
        expires_at = None if days is None else in_days(days)
        self._both(
            lambda: self.plain.credit("grant", tokens, days),
            ledger.grant,
            tokens=tokens,
            expires_at=expires_at,
        )

    @rule(tokens=TOKENS)
    def purchase(self, tokens: int) -> None:
        extra = {"description": "pack", "reference": "r"}
        self._both(
            lambda: self.plain.credit("purchase", tokens), ledger.purchase, tokens=tokens, **extra
        )

    @rule(tokens=TOKENS)
    def spend(self, tokens: int) -> None:
        self._both(lambda: self.plain.debit("spend", tokens), ledger.spend, tokens=tokens)

    @rule(tokens=TOKENS)
    def hold(self, tokens: int) -> None:
        self._both(lambda: self.plain.hold(tokens), ledger.hold, tokens=tokens)

    @precondition(lambda self: self.plain.holds)
    @rule(pick=PICK, tokens=TOKENS)
    def capture(self, pick: int, tokens: int) -> None:
        """Whole, in part, too much, or of a hold that was settled before."""
        version, hold = self._pick_hold(pick)
        if not self.plain.holds[version].is_open:
            tokens = min(tokens, hold.held_change)
        self._both(
            lambda: self.plain.resolve(version, tokens), ledger.capture, hold=hold, tokens=tokens
        )

    @precondition(lambda self: self.plain.holds)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        version, hold = self._pick_hold(pick)
        self._both(lambda: self.plain.resolve(version, 0), ledger.release, hold=hold)

    @precondition(lambda self: self._spent())
    @rule(pick=PICK)
    def refund(self, pick: int) -> None:
        spent = self._spent()
        entry = spent[pick % len(spent)]
        again = any(old["entry"] == entry for call, old, _ in self.done if call is ledger.refund)

        def plainly() -> None:
            if again:
                raise Refused("InvariantViolated")
            self.plain.credit("refund", -entry.amount)

        self._both(plainly, ledger.refund, entry=entry)

    @rule(tokens=st.integers(-9, 9))
    def adjust(self, tokens: int) -> None:
        def plainly() -> None:
            if tokens == 0:
                raise Refused("InvariantViolated")
            if tokens > 0:
                self.plain.credit("adjustment", tokens)
            else:
                self.plain.debit("adjustment", -tokens)

        self._both(plainly, ledger.adjust, tokens=tokens, actor=self.actor, reason="why")

    @rule(tokens=TOKENS)
    def clawback(self, tokens: int) -> None:
        self._both(
            lambda: self.plain.clawback(tokens), ledger.clawback, tokens=tokens, reference="r"
        )

    @rule(tokens=TOKENS)
    def write_off(self, tokens: int) -> None:
        extra = {"actor": self.actor, "reason": "why"}
        self._both(lambda: self.plain.write_off(tokens), ledger.write_off, tokens=tokens, **extra)

    @rule(days=st.integers(1, 4))
    def let_days_pass(self, days: int) -> None:
        pass_time(timedelta(days=days))
        self.plain.today += days

    @rule()
    def housekeeping(self) -> None:
        expire_due_wallets()
        self.plain.expire()

    @precondition(lambda self: self.done)
    @rule(pick=PICK)
    def replay(self, pick: int) -> None:
        """The same key and content again: the first entry, whatever happened since."""
        call, asked, entry = self.done[pick % len(self.done)]
        if asked.get("expires_at") is None:  # dates move with the days, so they would differ
            assert outcome(call, **asked) == entry

    @precondition(lambda self: self.done)
    @rule(pick=PICK, tokens=st.integers(10, 20))
    def reuse_key(self, pick: int, tokens: int) -> None:
        """The same key for something else: a conflict, with money or without."""
        _, asked, _ = self.done[pick % len(self.done)]
        found = outcome(ledger.spend, wallet_id=self.wallet_id, tokens=tokens, key=asked["key"])
        assert found == "EntryConflict"

    @rule(attack=st.sampled_from(ATTACKS))
    def tamper(self, attack: str) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(attack)
        except IntegrityError:
            return
        raise AssertionError(f"Not refused: {attack}")

    # --- What must hold after each step ---------------------------------------------------

    @invariant()
    def book_agrees(self) -> None:
        names = ("kind", "amount", "held_change", "balance_after", "held_after")
        entries = LedgerEntry.objects.filter(wallet_id=self.wallet_id).order_by("version")
        assert [Line(*row) for row in entries.values_list(*names)] == self.plain.lines
        wallet = Wallet.objects.get(pk=self.wallet_id)
        found = (wallet.balance, wallet.held, wallet.version, wallet.debt)
        plain = self.plain
        assert found == (plain.balance, plain.held, len(plain.lines), plain.owed)

    @invariant()
    def invariants_hold(self) -> None:
        for name, sql in INVARIANTS.items():
            with connection.cursor() as cursor:
                cursor.execute(sql)
                assert cursor.fetchall() == [(0,)], f"invariant {name} is violated"
        assert [str(found) for found in differences()] == []

    # --- Both ledgers at once -------------------------------------------------------------

    def _both(
        self, plainly: Callable[[], None], call: Callable[..., LedgerEntry], **asked: Any
    ) -> None:
        """The same to both; they must agree on the refusal too, which replays must not be."""
        asked["key"] = f"key{next(self.keys)}"
        if "hold" not in asked and "entry" not in asked:
            asked["wallet_id"] = self.wallet_id
        refused = ""
        try:
            plainly()
        except Refused as error:
            refused = str(error)
        entry = outcome(call, **asked)
        if isinstance(entry, str) or refused:
            assert entry == refused
            return
        self.by_version[entry.version] = entry
        self.done.append((call, asked, entry))

    def _pick_hold(self, pick: int) -> tuple[int, LedgerEntry]:
        versions = sorted(self.plain.holds)
        version = versions[pick % len(versions)]
        return version, self.by_version[version]

    def _spent(self) -> list[LedgerEntry]:
        return [e for e in self.by_version.values() if e.kind in ("spend", "capture")]


def outcome(call: Callable[..., LedgerEntry], **asked: Any) -> LedgerEntry | str:
    """The entry that the call wrote, or the name of the error that refused it."""
    try:
        return call(**asked)
    except DomainError as error:
        return type(error).__name__
