"""Entries and purchases in the admin: to be read, never written."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from intellispark.accounts.models import User
from payments.billing.checkout import start_checkout
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, Purchase
from tests.support.factories import make_user

ENTRIES = "/admin/payments/ledgerentry/"
PURCHASES = "/admin/payments/purchase/"


@pytest.fixture(autouse=True)
def root(db: None, client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def entry(alice: User, root: User) -> LedgerEntry:
    return ledger.adjust(
        wallet_id=alice.pk, tokens=5, key="adj:ticket-77", actor=root, reason="goodwill"
    )


def begin(user: User) -> Purchase:
    return start_checkout(user=user, pack="starter", return_url="http://testserver/payment/")[0]


def test_actor_and_reason_are_shown(client: Client, entry: LedgerEntry) -> None:
    for url in (ENTRIES, f"{ENTRIES}{entry.pk}/change/"):
        page = client.get(url).content.decode()
        assert "goodwill" in page
        assert "root" in page


@pytest.mark.both_engines
@pytest.mark.parametrize("query", ["alice", "alice@example.com", "ticket-77", "goodwill"])
def test_entries_are_found(client: Client, entry: LedgerEntry, bob: User, query: str) -> None:
    found = client.get(ENTRIES, {"q": query}).context["cl"].result_list
    assert entry in found
    assert all(each.wallet_id == entry.wallet_id for each in found)


def test_entries_are_filtered_by_kind(client: Client, entry: LedgerEntry) -> None:
    assert list(client.get(ENTRIES, {"kind": "adjustment"}).context["cl"].result_list) == [entry]
    assert not client.get(ENTRIES, {"kind": "purchase"}).context["cl"].result_list


def test_nothing_can_be_written(client: Client, entry: LedgerEntry) -> None:
    assert client.get(f"{ENTRIES}add/").status_code == 403
    assert client.post(f"{ENTRIES}{entry.pk}/change/", {"amount": 50}).status_code == 403
    assert client.post(f"{ENTRIES}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(ENTRIES, {"action": "delete_selected", "_selected_action": [entry.pk]})
    assert LedgerEntry.objects.get(pk=entry.pk).amount == 5
    assert "delete_selected" not in client.get(ENTRIES).content.decode()


def test_the_list_of_entries_does_not_query_per_row(
    client: Client, alice: User, root: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        person = make_user()
        ledger.adjust(
            wallet_id=person.pk, tokens=1, key=f"adj:{number}", actor=root, reason="goodwill"
        )
    with django_assert_max_num_queries(7):
        client.get(ENTRIES)


def test_purchases_are_found_and_cannot_be_written(client: Client, alice: User) -> None:
    purchase = begin(alice)
    for query in ("alice", str(purchase.pk)):
        assert list(client.get(PURCHASES, {"q": query}).context["cl"].result_list) == [purchase]
    page = client.get(f"{PURCHASES}{purchase.pk}/change/").content.decode()
    assert "$2.99" in page
    for url in (f"{PURCHASES}{purchase.pk}/change/", f"{PURCHASES}{purchase.pk}/delete/"):
        assert client.post(url, {"status": "paid", "post": "yes"}).status_code == 403
    assert client.get(f"{PURCHASES}add/").status_code == 403
