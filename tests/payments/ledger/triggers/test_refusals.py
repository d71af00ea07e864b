"""The database keeps the invariants by itself: raw SQL is refused or changes nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from intellispark.accounts.models import User
from payments.audit.verify import differences
from payments.errors import InsufficientTokens
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, Wallet
from tests.support.triggers import raw

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


def state(user: User) -> tuple[int, int, int, int]:
    wallet = Wallet.objects.get(pk=user.pk)
    return wallet.balance, wallet.held, wallet.version, LedgerEntry.objects.count()


COLUMNS = (
    "wallet_id, version, epoch, kind, amount, held_change, balance_after, held_after,"
    " key, op, reason, description, reference, created_at"
)


def forge(user: User, verb: str, suffix: str = "", **changes: object) -> int:
    """INSERT a copy of the newest entry with changed columns, by raw SQL."""
    names = [name.strip() for name in COLUMNS.split(",")]
    values = ", ".join("%s" if name in changes else name for name in names)
    return raw(
        f"{verb} INTO payments_ledgerentry ({COLUMNS}) SELECT {values}"
        f" FROM payments_ledgerentry WHERE wallet_id = %s ORDER BY version DESC LIMIT 1 {suffix}",
        *[changes[name] for name in names if name in changes],
        user.pk.hex if connection.vendor == "sqlite" else user.pk,
    )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payments_ledgerentry SET amount = 1000",
        "UPDATE payments_ledgerentry SET description = 'x'",
        "DELETE FROM payments_ledgerentry",
        "UPDATE payments_wallet SET balance = 1000",
        "UPDATE payments_wallet SET held = 3",
        "UPDATE payments_wallet SET version = version + 1",
        "UPDATE payments_wallet SET balance = balance + 5, version = version + 1",
        "UPDATE payments_wallet SET epoch = 99",
        "DELETE FROM payments_wallet",
    ],
)
def test_raw_changes_are_refused(alice: User, sql: str) -> None:
    before = state(alice)
    with pytest.raises(IntegrityError):
        raw(sql)
    assert state(alice) == before


def test_a_wallet_opens_empty(alice: User) -> None:
    for verb in ["INSERT", *(["INSERT OR REPLACE"] if connection.vendor == "sqlite" else [])]:
        with pytest.raises(IntegrityError):
            raw(
                f"{verb} INTO payments_wallet"
                " (user_id, balance, held, version, epoch, created_at, updated_at)"
                " SELECT user_id, 1000, 0, 0, 1, created_at, updated_at FROM payments_wallet"
            )
    assert state(alice) == (10, 0, 1, 1)


@pytest.mark.postgresql
def test_forged_columns_are_corrected_on_postgresql(alice: User) -> None:
    forge(alice, "INSERT", version=7, balance_after=9_999, key="forged")
    entry = LedgerEntry.objects.get(key="forged")
    assert (entry.version, entry.balance_after) == (2, 20)
    assert state(alice) == (20, 0, 2, 2)
    assert list(differences()) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("forged", [{"version": 7}, {"balance_after": 9_999}])
def test_forged_columns_are_refused_on_sqlite(alice: User, forged: dict[str, int]) -> None:
    fields = {"version": 2, "balance_after": 20, "key": "forged"}
    with pytest.raises(IntegrityError):
        forge(alice, "INSERT", **{**fields, **forged})
    assert state(alice) == (10, 0, 1, 1)


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "INSERT OR IGNORE"])
def test_conflict_verbs_move_nothing_on_sqlite(alice: User, verb: str) -> None:
    before = state(alice)
    with pytest.raises(IntegrityError):
        forge(alice, verb)
    with pytest.raises(IntegrityError):
        forge(alice, verb, version=2, key="welcome", balance_after=20)
    with pytest.raises(IntegrityError):
        forge(alice, verb, version=2, key="drain", kind="spend", amount=-99, balance_after=-89)
    assert state(alice) == before
    assert list(differences()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_on_conflict_do_nothing_is_refused_on_postgresql(alice: User) -> None:
    before = state(alice)
    with pytest.raises(IntegrityError, match="ledger_wallet_guard"):
        forge(alice, "INSERT", "ON CONFLICT DO NOTHING")
    assert state(alice) == before

    @transaction.atomic
    def forge_beside_a_spend() -> None:
        forge(alice, "INSERT", "ON CONFLICT DO NOTHING")
        ledger.spend(wallet_id=alice.pk, tokens=3, key="beside it")

    with pytest.raises(IntegrityError, match="ledger_wallet_guard"):
        forge_beside_a_spend()
    assert state(alice) == before
    with pytest.raises(IntegrityError):
        raw("TRUNCATE payments_ledgerentry CASCADE")
    with pytest.raises(IntegrityError):
        raw("TRUNCATE payments_wallet CASCADE")
    assert state(alice) == before


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_trigger_of_somebody_else_moves_no_wallet(alice: User) -> None:
    """Only the guard of entries may move it from inside a trigger, and only with the entry."""
    before = state(alice)
    raw("CREATE TEMPORARY TABLE bait (n INT)")
    raw(
        "CREATE FUNCTION pg_temp.lift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE payments_wallet SET balance = balance + 5, version = version + 1;"
        " RETURN NEW; END $$"
    )
    raw("CREATE TRIGGER lift AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION pg_temp.lift()")
    with pytest.raises(IntegrityError, match="ledger_wallet_guard"):
        raw("INSERT INTO bait VALUES (1)")
    raw("DROP TABLE bait")
    raw("DROP FUNCTION pg_temp.lift()")
    assert state(alice) == before


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "shadow",
    [
        [
            "CREATE TEMPORARY TABLE payments_wallet (LIKE public.payments_wallet)",
            "INSERT INTO pg_temp.payments_wallet SELECT * FROM public.payments_wallet",
            "UPDATE pg_temp.payments_wallet SET balance = 1000",
            "INSERT INTO public.payments_ledgerentry"
            " (wallet_id, kind, amount, held_change, key, op, reason, description, reference)"
            " SELECT user_id, 'spend', -500, 0, 'k', '', '', '', '' FROM public.payments_wallet",
        ],
        [
            "CREATE TEMPORARY TABLE payments_ledgerentry (LIKE public.payments_ledgerentry)",
            "INSERT INTO pg_temp.payments_ledgerentry SELECT * FROM public.payments_ledgerentry",
            "UPDATE pg_temp.payments_ledgerentry SET version = 2, balance_after = 777",
            "UPDATE public.payments_wallet SET balance = 777, version = 2",
        ],
    ],
    ids=["an entry without its wallet", "a wallet without its entry"],
)
def test_temporary_tables_of_the_same_name_are_not_taken_for_ours(
    alice: User, shadow: list[str]
) -> None:
    before = state(alice)
    *lay, attack = shadow
    for sql in lay:
        raw(sql)
    with pytest.raises(IntegrityError):
        raw(attack)
    raw(f"DROP TABLE pg_temp.{lay[0].split()[3]}")
    assert state(alice) == before


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_tokens_that_expire_while_a_debit_waits_for_its_wallet_stay_in(alice: User) -> None:
    """Whoever held the wallet changed nothing, so PostgreSQL does not compute the UPDATE anew."""
    ends = timezone.now() + timedelta(seconds=2)
    ledger.grant(wallet_id=alice.pk, tokens=5, key="dated", expires_at=ends)

    def spend_all() -> None:
        try:
            ledger.spend(wallet_id=alice.pk, tokens=15, key="late")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Wallet.objects.select_for_update(no_key=True).get(pk=alice.pk)
            spent = pool.submit(spend_all)
            time.sleep((ends - timezone.now()).total_seconds() + 0.2)
        with pytest.raises(InsufficientTokens):
            spent.result()
    assert state(alice) == (10, 0, 3, 3)  # the rest has expired


@pytest.mark.django_db(transaction=True)
def test_many_entries_of_one_transaction_are_committed_together(alice: User) -> None:
    with transaction.atomic():
        held = ledger.hold(wallet_id=alice.pk, tokens=4, key="h")
        ledger.capture(hold=held, tokens=3, key="c")
        with pytest.raises(InsufficientTokens):
            ledger.spend(wallet_id=alice.pk, tokens=8, key="too much")
        ledger.spend(wallet_id=alice.pk, tokens=7, key="s")
    assert state(alice) == (0, 0, 4, 4)
    assert list(differences()) == []


@pytest.mark.postgresql
def test_on_conflict_do_update_is_refused_on_postgresql(alice: User) -> None:
    with pytest.raises(IntegrityError):
        forge(alice, "INSERT", "ON CONFLICT (wallet_id, key) DO UPDATE SET amount = 5")
    assert state(alice) == (10, 0, 1, 1)


def test_python_writes_beside_the_ledger_are_refused(alice: User) -> None:
    entry = LedgerEntry.objects.get(wallet_id=alice.pk)
    entry.description = "changed"
    for attempt in (
        entry.save,
        entry.delete,
        LedgerEntry.objects.all().delete,
        lambda: LedgerEntry.objects.update(amount=1),
        lambda: LedgerEntry.objects.bulk_create([entry]),
    ):
        with pytest.raises(TypeError):
            attempt()
    with pytest.raises(IntegrityError), transaction.atomic():
        Wallet.objects.filter(pk=alice.pk).update(balance=1_000)
    with pytest.raises(IntegrityError), transaction.atomic():
        alice.delete()
    assert state(alice) == (10, 0, 1, 1)
