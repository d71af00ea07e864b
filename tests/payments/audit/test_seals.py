"""Seals find what was changed while the triggers were off, and name it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from intellispark.accounts.models import User
from payments.audit import seals as seal
from payments.audit.verify import differences
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, LedgerSeal, Wallet
from tests.support.triggers import without_triggers

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sealed(alice: User, bob: User) -> User:
    """Alice, with versions 1 to 5, all sealed; Bob has one."""
    for number in range(4):
        ledger.spend(wallet_id=alice.pk, tokens=1, key=f"s{number}", description="Reply")
    assert seal.seal() == 6
    return alice


def found() -> list[str]:
    return [str(difference) for difference in seal.broken()]


def entries(user: User, **lookups: object) -> QuerySet[LedgerEntry]:
    """A query set that may write, which the manager's may not."""
    return QuerySet(LedgerEntry).filter(wallet_id=user.pk, **lookups)


def test_untouched_entries_agree_with_their_seals(sealed: User) -> None:
    assert found() == []
    assert seal.seal() == 0


def test_seals_go_on_from_the_last_one(sealed: User) -> None:
    ledger.spend(wallet_id=sealed.pk, tokens=1, key="more")
    assert seal.seal() == 1
    assert LedgerSeal.objects.filter(wallet=sealed.pk).count() == 6
    head = seal.head()
    with without_triggers():
        LedgerSeal.objects.all().delete()
    seal.seal()
    assert (found(), seal.head()) == ([], head)  # in one go or bit by bit: the same chain


@pytest.mark.parametrize(
    "change", [{"description": "Other"}, {"key": "other"}, {"op": "other"}, {"reason": "because"}]
)
def test_a_change_that_adds_up_is_named(sealed: User, change: dict[str, str]) -> None:
    """Nothing of this shows in the sums."""
    with without_triggers():
        entries(sealed, version=3).update(**change)
    assert list(differences()) == []
    assert found() == [f"{sealed.pk}: the entry with version 3 is not what was sealed"]


def test_a_book_that_was_cooked_consistently_is_named(sealed: User) -> None:
    """A cheaper spend, with every later sum and the wallet put right."""
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE payments_ledgerentry SET balance_after = balance_after + 5")
        cursor.execute("UPDATE payments_ledgerentry SET amount = amount + 5 WHERE version = 1")
        cursor.execute("UPDATE payments_wallet SET balance = balance + 5")
    assert list(differences()) == []
    assert len(found()) == 2
    assert f"{sealed.pk}: the entry with version 1 is not what was sealed" in found()


def test_a_removed_tail_is_named(sealed: User) -> None:
    with without_triggers():
        entries(sealed, version__gt=3).delete()
        Wallet.objects.filter(pk=sealed.pk).update(version=3, balance=8)
    assert list(differences()) == []
    assert found() == [f"{sealed.pk}: the entry with version 4 was sealed and is gone"]


def test_a_wallet_that_was_emptied_is_named(sealed: User) -> None:
    with without_triggers():
        entries(sealed).delete()
        Wallet.objects.filter(pk=sealed.pk).update(version=0, balance=0)
    assert found() == [f"{sealed.pk}: the entry with version 1 was sealed and is gone"]


def test_a_removed_seal_is_named_and_rewritten_seals_move_the_head(sealed: User) -> None:
    head = seal.head()
    with without_triggers():
        entries(sealed, version=5).update(description="Other")
        LedgerSeal.objects.filter(wallet=sealed.pk, version=2).delete()
    assert found() == [f"{sealed.pk}: the seal of version 2 is gone"]
    with without_triggers():
        LedgerSeal.objects.all().delete()
    seal.seal()
    assert found() == []
    assert seal.head() != head


COPY = (
    "INTO payments_ledgerseal (id, wallet_id, version, digest, created_at)"
    " SELECT id, wallet_id, version, {digest}, created_at"
    " FROM payments_ledgerseal WHERE version = 1"
)
OTHER = "x'00'"
REFUSED = [
    "UPDATE payments_ledgerseal SET version = version + 100",
    "UPDATE payments_ledgerseal SET created_at = CURRENT_TIMESTAMP",
    "DELETE FROM payments_ledgerseal",
]
REFUSED_BY = {
    "sqlite": [f"INSERT OR {verb} {COPY.format(digest=OTHER)}" for verb in ("REPLACE", "IGNORE")],
    "postgresql": [
        f"INSERT {COPY.format(digest='digest')} ON CONFLICT (id) DO UPDATE SET version = 99",
        "TRUNCATE payments_ledgerseal",
    ],
}


def test_seals_are_never_changed(sealed: User) -> None:
    before = list(LedgerSeal.objects.order_by("pk").values_list("pk", "version", "digest"))
    for sql in REFUSED + REFUSED_BY[connection.vendor]:
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(sql)
    assert list(LedgerSeal.objects.order_by("pk").values_list("pk", "version", "digest")) == before


def test_the_same_seal_again_changes_nothing(sealed: User) -> None:
    """Two sealers that meet: the second drops what the first has written, and seals the rest."""
    late = ledger.spend(wallet_id=sealed.pk, tokens=1, key="more")
    again = list(LedgerSeal.objects.filter(wallet=sealed.pk).order_by("version"))
    for one in again:
        one.pk = None
    new = LedgerSeal(wallet_id=sealed.pk, version=late.version, digest=b"new")
    LedgerSeal.objects.bulk_create([*again, new], ignore_conflicts=True)
    versions = LedgerSeal.objects.filter(wallet=sealed.pk).values_list("version", flat=True)
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_the_command_seals_verifies_and_refuses(
    sealed: User, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.spend(wallet_id=sealed.pk, tokens=1, key="more")
    call_command("check_ledger", "--seal")
    assert "1 entries sealed." in capsys.readouterr().out
    call_command("check_ledger", "--verify")
    assert f"Head of the seals: {seal.head()}" in capsys.readouterr().out
    with without_triggers():
        entries(sealed, version=2).update(description="Other")
    for option in ("--verify", "--seal"):
        with pytest.raises(SystemExit):
            call_command("check_ledger", option)
        heard = capsys.readouterr()
        assert f"{sealed.pk}: the entry with version 2 is not what was sealed" in heard.err
        assert "sealed." not in heard.out
