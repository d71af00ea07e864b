"""Wallets in the admin, and the one thing that can be done there."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from intellispark.accounts.models import User
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_user

LIST = "/admin/payments/wallet/"


@pytest.fixture
def root(db: None, client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def adjust_url(user: User) -> str:
    return f"{LIST}{user.pk}/adjust/"


def adjust(
    client: Client, user: User, tokens: object, reason: str = "goodwill", **more: Any
) -> Any:
    fields = {"tokens": tokens, "reason": reason, "form_key": uuid4(), **more}
    return client.post(adjust_url(user), fields, follow=True)


def adjustments(user: User) -> list[int]:
    found = LedgerEntry.objects.filter(wallet_id=user.pk, kind="adjustment").order_by("version")
    return list(found.values_list("amount", flat=True))


def test_an_adjustment_is_an_entry_with_its_actor_and_reason(
    client: Client, root: User, alice: User, assert_ledger: None
) -> None:
    answer = adjust(client, alice, 20)
    assert "Tokens adjusted: +20 for alice. New balance: 30." in answer.content.decode()
    entry = LedgerEntry.objects.get(wallet_id=alice.pk, kind="adjustment")
    assert (entry.amount, entry.actor, entry.reason) == (20, root, "goodwill")
    assert re.fullmatch(r"adj:[0-9a-f-]{36}", entry.key)
    assert Wallet.objects.get(pk=alice.pk).balance == 30
    logged = LogEntry.objects.get()
    assert (logged.user, logged.object_id) == (root, str(alice.pk))
    assert "+20: goodwill" in logged.get_change_message()


def test_an_adjustment_takes_as_well(client: Client, root: User, alice: User) -> None:
    adjust(client, alice, -10)
    assert Wallet.objects.get(pk=alice.pk).balance == 0


def test_a_form_sent_twice_makes_one_entry_and_says_so(
    client: Client, root: User, alice: User
) -> None:
    key = uuid4()
    adjust(client, alice, 20, form_key=key)
    again = adjust(client, alice, 20, form_key=key)
    assert "This form was sent twice: +20 for alice was recorded once." in again.content.decode()
    assert adjustments(alice) == [20]
    assert LogEntry.objects.count() == 1


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_a_form_sent_six_times_at_once_makes_one_entry(assert_ledger: None) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    person = make_user("alice")
    key, barrier = uuid4(), Barrier(6)
    clients = [Client() for _ in range(6)]
    for each in clients:
        each.force_login(root)

    def run(each: Client) -> int:
        try:
            barrier.wait()
            fields = {"tokens": 20, "reason": "goodwill", "form_key": key}
            return each.post(adjust_url(person), fields).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, clients)) == [302] * 6
    assert adjustments(person) == [20]
    assert LogEntry.objects.count() == 1


def test_a_form_sent_again_with_other_values_changes_nothing(
    client: Client, root: User, alice: User
) -> None:
    key = uuid4()
    adjust(client, alice, 20, form_key=key)
    again = adjust(client, alice, 21, form_key=key)
    assert "This form was already sent with other values." in again.content.decode()
    assert adjustments(alice) == [20]


def test_overspending_is_refused_with_what_is_available(
    client: Client, root: User, alice: User
) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=3, key="gen:1:hold")
    answer = adjust(client, alice, -8)
    assert answer.status_code == 200
    assert "Only 7 can be taken" in answer.content.decode()
    assert adjustments(alice) == []
    assert not LogEntry.objects.exists()


def test_the_form_can_be_corrected_after_a_refusal(client: Client, root: User, alice: User) -> None:
    key = uuid4()
    refused = adjust(client, alice, -11, form_key=key).content.decode()
    assert f'value="{key}"' in refused
    adjust(client, alice, -10, form_key=key)
    assert adjustments(alice) == [-10]


@pytest.mark.parametrize("tokens", ["0", "", "x", "1.5", "1000001", "-1000001", str(2**70)])
def test_amounts_out_of_bounds_are_refused(
    client: Client, root: User, alice: User, tokens: str
) -> None:
    assert "errorlist" in adjust(client, alice, tokens).content.decode()
    assert adjustments(alice) == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_reason_is_required(client: Client, root: User, alice: User, reason: str) -> None:
    assert "errorlist" in adjust(client, alice, 5, reason).content.decode()
    assert adjustments(alice) == []


def test_a_form_without_its_key_is_refused(client: Client, root: User, alice: User) -> None:
    adjust(client, alice, 5, form_key="")
    assert adjustments(alice) == []


def test_it_needs_the_permission_to_change_wallets(client: Client, alice: User) -> None:
    clerk = make_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_wallet"))
    client.force_login(clerk)
    wallet = client.get(f"{LIST}{alice.pk}/change/").content.decode()
    assert "Adjust tokens" not in wallet
    assert client.get(adjust_url(alice)).status_code == 403
    assert adjust(client, alice, 5).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="change_wallet"))
    adjust(client, alice, 5)
    assert adjustments(alice) == [5]


def test_people_who_are_not_staff_do_not_get_in(client: Client, alice: User, bob: User) -> None:
    client.force_login(bob)
    adjust(client, alice, 5)
    assert adjustments(alice) == []


@pytest.mark.parametrize("object_id", ["7", "nonsense", "0c2e1f5a-7d58-4f0e-9a43-6a1c2b3d4e5f"])
def test_an_unknown_wallet_is_not_found(client: Client, root: User, object_id: str) -> None:
    assert client.get(f"{LIST}{object_id}/adjust/").status_code == 404


def test_the_wallet_itself_cannot_be_changed(client: Client, root: User, alice: User) -> None:
    url = f"{LIST}{alice.pk}/change/"
    page = client.get(url).content.decode()
    assert f'href="{adjust_url(alice)}"' in page
    assert 'name="_save"' not in page
    assert client.post(url, {"balance": 1_000}).status_code == 403
    assert client.post(f"{LIST}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}{uuid4()}/change/").status_code == 404
    assert Wallet.objects.get(pk=alice.pk).balance == 10


@pytest.mark.both_engines
@pytest.mark.parametrize("query", ["alice", "alice@example.com"])
def test_wallets_are_found_by_name_and_mail(
    client: Client, root: User, alice: User, bob: User, query: str
) -> None:
    page = client.get(LIST, {"q": query}).content.decode()
    assert str(alice.pk) in page
    assert str(bob.pk) not in page


def test_the_link_leads_to_the_entries_of_that_wallet(
    client: Client, root: User, alice: User, bob: User
) -> None:
    ledger.grant(wallet_id=bob.pk, tokens=5, key="g", description="For Bob")
    page = client.get(f"{LIST}{alice.pk}/change/").content.decode()
    link = re.search(r'href="(/admin/payments/ledgerentry/\?[^"]+)"', page)
    assert link
    entries = client.get(link[1])
    assert entries.status_code == 200
    assert "Welcome tokens" in entries.content.decode()
    assert "For Bob" not in entries.content.decode()


def test_the_list_does_not_query_per_row(
    client: Client, root: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        make_user()
    with django_assert_max_num_queries(6):
        client.get(LIST)


def dated(client: Client, user: User, tokens: object, expires_on: str) -> str:
    return adjust(client, user, tokens, expires_on=expires_on).content.decode()


def test_tokens_given_may_have_a_last_day(
    client: Client, root: User, alice: User, assert_ledger: None
) -> None:
    dated(client, alice, 20, "2099-12-31")
    entry = LedgerEntry.objects.get(wallet_id=alice.pk, kind="grant", actor=root)
    assert (entry.amount, entry.reason, entry.description) == (20, "goodwill", "Granted tokens")
    assert entry.expires_at
    assert entry.expires_at.isoformat() == "2100-01-01T00:00:00+00:00"


def test_a_last_day_that_is_over_or_of_tokens_taken_is_refused(
    client: Client, root: User, alice: User
) -> None:
    assert "This day has passed." in dated(client, alice, 20, "2020-01-01")
    assert "Only tokens you give can expire." in dated(client, alice, -2, "2099-12-31")
    assert Wallet.objects.get(pk=alice.pk).version == 1


@pytest.fixture
def debtor(alice: User) -> User:
    """Alice, who owes eight tokens."""
    ledger.spend(wallet_id=alice.pk, tokens=8, key="s")
    ledger.clawback(wallet_id=alice.pk, tokens=10, key="c", reference="refund")
    return alice


def write_off(client: Client, user: User, tokens: object, **more: Any) -> Any:
    fields = {"tokens": tokens, "reason": "our mistake", "form_key": uuid4(), **more}
    return client.post(f"{LIST}{user.pk}/write_off/", fields, follow=True)


def test_a_debt_can_be_written_off(
    client: Client, root: User, debtor: User, assert_ledger: None
) -> None:
    form = client.get(f"{LIST}{debtor.pk}/write_off/").content.decode()
    assert 'value="8"' in form
    key = uuid4()
    for _ in range(2):
        write_off(client, debtor, 8, form_key=key)
    entry = LedgerEntry.objects.get(wallet_id=debtor.pk, kind="write_off")
    assert (entry.amount, entry.actor, entry.reason) == (8, root, "our mistake")
    assert Wallet.objects.get(pk=debtor.pk).debt == 0


def test_no_more_than_the_debt_is_written_off(client: Client, root: User, debtor: User) -> None:
    for tokens in (9, 0, -1):
        assert "errorlist" in write_off(client, debtor, tokens).content.decode()
    assert "errorlist" in write_off(client, debtor, 1, reason="").content.decode()
    assert Wallet.objects.get(pk=debtor.pk).debt == 8


def test_writing_off_is_offered_only_where_there_is_a_debt(
    client: Client, root: User, debtor: User, bob: User
) -> None:
    offers = [
        f"{LIST}{user.pk}/write_off/" in client.get(f"{LIST}{user.pk}/change/").content.decode()
        for user in (debtor, bob)
    ]
    assert offers == [True, False]
    assert "errorlist" in write_off(client, bob, 1).content.decode()
    client.force_login(bob)
    write_off(client, debtor, 8)
    assert Wallet.objects.get(pk=debtor.pk).debt == 8


def test_a_wallet_is_called_by_its_person(alice: User) -> None:
    """In the admin's log the name stays, and a number in it would be out of date."""
    assert str(Wallet.objects.get(pk=alice.pk)) == "alice"
