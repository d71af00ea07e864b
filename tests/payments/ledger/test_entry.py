"""An entry that was saved is complete: its row, and what the signals' receivers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from intellispark.accounts.models import User
from payments.ledger.models.entry import LedgerEntry as Entry
from payments.ledger.new_entry import NewEntry
from payments.models import LedgerEntry
from tests.support.time_travel import in_days

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


def columns(entry: LedgerEntry) -> dict[str, Any]:
    return {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields}


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What each entry looked like when `post_save` was sent for it."""
    found: list[dict[str, Any]] = []

    def listen(instance: LedgerEntry, created: bool, **kwargs: Any) -> None:
        found.append(columns(instance) | {"created": created})

    post_save.connect(listen, sender=Entry)
    yield found
    post_save.disconnect(listen, sender=Entry)


def test_it_comes_back_from_one_statement_as_its_row_is(
    alice: User, bob: User, heard: list[dict[str, Any]]
) -> None:
    new = NewEntry(
        kind=LedgerEntry.Kind.GRANT,
        wallet_id=alice.pk,
        key="k",
        amount=7,
        expires_at=in_days(3),
        actor_id=bob.pk,
        reason="为什么",
        op="client-key",
        description="O'Brien's \\ 100 % \"text\" $1",
        reference="r",
    )
    entry = new.unsaved()
    with CaptureQueriesContext(connection) as queries:
        entry.save()
    assert len(queries) == 1
    row = columns(LedgerEntry.objects.get(pk=entry.pk))
    assert columns(entry) == row == row | vars(new)
    assert {name: type(value) for name, value in columns(entry).items() if name != "kind"} == {
        name: type(value) for name, value in row.items() if name != "kind"
    }
    assert heard == [row | {"created": True}]
    assert (entry.version, entry.epoch, entry.balance_after, entry.held_after) == (2, 1, 17, 0)


def test_a_refused_entry_is_not_saved_and_may_be_saved_later(
    alice: User, heard: list[dict[str, Any]]
) -> None:
    entry = LedgerEntry(wallet_id=alice.pk, kind="spend", amount=-11, key="k")
    with pytest.raises(IntegrityError, match="ledger_insufficient"), transaction.atomic():
        entry.save()
    assert entry.pk is None
    assert heard == []
    entry.amount = -10
    entry.save()
    assert (entry.version, entry.balance_after) == (2, 0)


def test_it_is_never_written_over_another_one(alice: User) -> None:
    first = LedgerEntry.objects.get(wallet_id=alice.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry(pk=first.pk, wallet_id=alice.pk, kind="spend", amount=-1, key="k").save()
    assert LedgerEntry.objects.get(wallet_id=alice.pk).key == "welcome"
