"""The double entry report balances to zero, in every column and for every period."""

from __future__ import annotations

import csv
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intellispark.accounts.models import User
from intellispark.db import database_now
from payments.audit.contra_accounts import CONTRA, Account
from payments.audit.double_entry import Report, build
from payments.errors import DomainError
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user
from tests.support.time_travel import in_days, pass_time

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]

DAY = timedelta(days=1)
REPORT = "/admin/payments/ledgerentry/report/"
ZERO = {"paid": 0, "granted": 0, "debt": 0}


@pytest.fixture(autouse=True)
def _no_welcome(settings: Any) -> None:
    settings.WELCOME_TOKENS = 0


def of_days(first: float, last: float) -> Report:
    """The report from so many days ago to so many days ago."""
    now = database_now()
    return build(start=now - first * DAY, end=now - last * DAY)


def every() -> Report:
    return of_days(1_000, -1)


def buy(user: User, tokens: int, key: str = "p") -> LedgerEntry:
    return ledger.purchase(
        wallet_id=user.pk, tokens=tokens, key=key, description="Pack", reference="r"
    )


def columns(report: Report, account: Account, kind: str) -> tuple[int, int, int]:
    found = report.accounts.get((account, kind), ZERO)
    return found["paid"], found["granted"], found["debt"]


def test_every_kind_has_its_account() -> None:
    assert set(CONTRA) == set(LedgerEntry.Kind.values)


def test_a_capture_is_split_by_the_lots_it_took(alice: User) -> None:
    buy(alice, 10)
    ledger.grant(wallet_id=alice.pk, tokens=3, key="g")
    hold = ledger.hold(wallet_id=alice.pk, tokens=6, key="h")
    captured = ledger.capture(hold=hold, tokens=5, key="c")
    report = every()
    assert columns(report, Account.USAGE, "capture") == (2, 3, 0)
    assert columns(report, Account.SALES, "purchase") == (-10, 0, 0)
    assert report.closing == {"paid": 8, "granted": 0, "debt": 0}
    assert report.proof == ZERO
    ledger.refund(entry=captured, key="r")
    report = every()
    assert columns(report, Account.USAGE, "refund") == (-2, -3, 0)
    assert report.closing == {"paid": 10, "granted": 3, "debt": 0}


def test_a_debt_is_a_column_until_it_is_paid(alice: User) -> None:
    buy(alice, 10)
    ledger.spend(wallet_id=alice.pk, tokens=7, key="s")
    ledger.clawback(wallet_id=alice.pk, tokens=10, key="c", reference="r")
    assert columns(every(), Account.RETURNS, "clawback") == (3, 0, 7)
    assert every().closing == {"paid": 0, "granted": 0, "debt": -7}
    ledger.grant(wallet_id=alice.pk, tokens=5, key="g")
    ledger.write_off(wallet_id=alice.pk, tokens=2, key="w", actor=alice, reason="r")
    report = every()
    assert columns(report, Account.GIFTS, "grant") == (0, -5, 0)
    assert columns(report, Account.DEBT, "") == (0, 5, -5)
    assert columns(report, Account.WRITTEN_OFF, "write_off") == (0, 0, -2)
    assert (report.closing, report.proof) == (ZERO, ZERO)


def test_a_period_opens_with_what_came_before(alice: User) -> None:
    buy(alice, 10)
    pass_time(3 * DAY)
    ledger.spend(wallet_id=alice.pk, tokens=4, key="s")
    pass_time(3 * DAY)
    ledger.spend(wallet_id=alice.pk, tokens=1, key="t")
    report = of_days(4, 1)
    assert (report.opening["paid"], report.change["paid"], report.closing["paid"]) == (10, -4, 6)
    assert (report.entries, report.proof) == (1, ZERO)


KINDS = [
    "grant",
    "dated",
    "buy",
    "spend",
    "hold",
    "capture",
    "release",
    "refund",
    "take",
    "give",
    "clawback",
    "write_off",
    "wait",
]
steps = st.tuples(st.sampled_from(KINDS), st.integers(1, 15))


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    script=st.lists(steps, min_size=4, max_size=25),
    cut=st.tuples(st.floats(0, 20), st.floats(0, 20)),
)
def test_every_period_balances_to_zero(
    db: None, script: list[tuple[str, int]], cut: tuple[float, float]
) -> None:
    user = make_user(f"u{uuid4().hex[:10]}")
    for number, (kind, tokens) in enumerate(script):
        with suppress(DomainError):  # refused: nothing to report
            drive(user, kind, tokens, f"{kind}{number}")
    expire_due_wallets()
    whole, part = every(), of_days(max(cut), min(cut))
    before, after = of_days(1_000, max(cut)), of_days(min(cut), -1)
    for report in (whole, part, before, after):
        assert report.proof == ZERO
    total = sum(wallet.balance for wallet in Wallet.objects.all())
    assert sum(whole.closing.values()) == total
    assert (before.closing, part.closing) == (part.opening, after.opening)
    assert after.closing == whole.closing
    assert whole.closing["paid"] >= 0 >= whole.closing["debt"]


def drive(user: User, kind: str, tokens: int, key: str) -> None:
    entries = LedgerEntry.objects.filter(wallet_id=user.pk)
    fresh: dict[str, Any] = {"wallet_id": user.pk, "tokens": tokens, "key": key}
    open_hold = entries.filter(kind="hold", resolution__isnull=True).first()
    match kind:
        case "grant":
            ledger.grant(**fresh)
        case "dated":
            ledger.grant(**fresh, expires_at=in_days(tokens / 3))
        case "buy":
            buy(user, tokens, key)
        case "spend":
            ledger.spend(**fresh)
        case "hold":
            ledger.hold(**fresh)
        case "capture" if open_hold:
            count = min(tokens, open_hold.held_change)
            ledger.capture(hold=open_hold, tokens=count, key=key)
        case "release" if open_hold:
            ledger.release(hold=open_hold, key=key)
        case "refund":
            spent = entries.filter(kind__in=["spend", "capture"], reversal__isnull=True).first()
            if spent:
                ledger.refund(entry=spent, key=key)
        case "take" | "give":
            signed = tokens if kind == "give" else -tokens
            ledger.adjust(wallet_id=user.pk, tokens=signed, key=key, actor=user, reason="r")
        case "clawback":
            ledger.clawback(**fresh, reference="r")
        case "write_off":
            ledger.write_off(**fresh, actor=user, reason="r")
        case "wait":
            pass_time(tokens / 5 * DAY)


@pytest.fixture
def root(client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def test_an_admin_reads_it_as_a_page_and_as_csv(client: Client, root: User, alice: User) -> None:
    buy(alice, 1_000)
    ledger.spend(wallet_id=alice.pk, tokens=1, key="s")
    today = datetime.now(UTC).date()
    period = {"first": str(today - DAY), "last": str(today)}
    page = client.get(REPORT, period).content.decode()
    assert 'data-balances="yes"' in page
    assert "2 entries. Every column balances to zero." in page
    text = client.get(REPORT, {**period, "format": "csv"}).content.decode()
    rows = {(row["line"], row["kind"]): row for row in csv.DictReader(StringIO(text))}
    assert rows["Sales", "Purchase"]["paid"] == "-1000"
    assert rows["Wallets, closing", ""]["total"] == "999"
    assert rows["Sum of change and accounts", ""]["total"] == "0"


def test_its_dates_can_be_picked(client: Client, root: User) -> None:
    """The pickers need the admin's own script beside theirs."""
    client.force_login(root)
    page = client.get(REPORT).content.decode()
    assert "admin/js/core." in page
    assert "admin/js/admin/DateTimeShortcuts." in page


def test_it_is_not_computed_unasked_and_refuses_nonsense(client: Client, root: User) -> None:
    assert "data-balances" not in client.get(REPORT).content.decode()
    wrong = client.get(REPORT, {"first": "2026-02-01", "last": "2026-01-01"})
    assert "The period ends before it begins." in wrong.content.decode()
    assert REPORT in client.get("/admin/payments/ledgerentry/").content.decode()


def test_only_who_may_see_entries_sees_it(client: Client, alice: User) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    assert client.get(REPORT).status_code == 403
    client.force_login(alice)
    assert client.get(REPORT).status_code == 302
