"""The test bank's page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from intellispark.accounts.models import User
from payments.billing.checkout import start_checkout
from payments.billing.gateways.sandbox.gateway import answer_sandbox
from payments.models import LedgerEntry, Purchase, Wallet
from tests.support.factories import make_user


@pytest.fixture
def purchase(alice: User) -> Purchase:
    return start_checkout(user=alice, pack="premium", return_url="http://testserver/payment/")[0]


@pytest.fixture
def page(purchase: Purchase) -> str:
    return f"/payment/sandbox/{purchase.pk}/"


def balance(user: User) -> int:
    return Wallet.objects.get(pk=user.pk).balance


def test_it_says_that_it_is_a_test_and_what_is_bought(
    client: Client, alice: User, page: str
) -> None:
    client.force_login(alice)
    html = client.get(page).content.decode()
    assert "This is a test page: no money moves." in html
    assert "$24.99" in html
    assert "2,000 tokens" in html
    assert "Premium pack" in html


def test_a_confirmation_credits_and_leads_back(client: Client, alice: User, page: str) -> None:
    client.force_login(alice)
    answer = client.post(page, {"answer": "confirm"}, follow=True)
    assert "2,000 tokens added" in answer.content.decode()
    assert balance(alice) == 2_010


def test_a_second_confirmation_changes_nothing(client: Client, alice: User, page: str) -> None:
    client.force_login(alice)
    for _ in range(2):
        assert client.post(page, {"answer": "confirm"}).status_code == 302
    assert balance(alice) == 2_010
    assert client.get(page).status_code == 302  # a finished purchase has no page any more


def test_a_decline_charges_nothing_and_is_final(client: Client, alice: User, page: str) -> None:
    client.force_login(alice)
    answer = client.post(page, {"answer": "decline"}, follow=True)
    assert "Nothing was charged" in answer.content.decode()
    client.post(page, {"answer": "confirm"})
    assert balance(alice) == 10


@pytest.mark.parametrize("answer", ["", "refund", "CONFIRM"])
def test_other_answers_change_nothing(
    client: Client, alice: User, page: str, purchase: Purchase, answer: str
) -> None:
    client.force_login(alice)
    assert client.post(page, {"answer": answer}).status_code == 200
    purchase.refresh_from_db()
    assert purchase.status == "pending"


def test_a_get_never_credits(client: Client, alice: User, page: str) -> None:
    client.force_login(alice)
    client.get(page, {"answer": "confirm"})
    assert balance(alice) == 10


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_is_not_found_for_anybody_else(
    client: Client, bob: User, alice: User, page: str, method: str
) -> None:
    client.force_login(bob)
    assert getattr(client, method)(page, {"answer": "confirm"}).status_code == 404
    assert (balance(alice), balance(bob)) == (10, 10)


def test_the_signed_out_are_led_to_sign_in(client: Client, page: str) -> None:
    assert client.get(page)["Location"].endswith(f"?next={page}")


def test_it_is_gone_when_another_gateway_is_active(
    client: Client, alice: User, page: str, settings: Any
) -> None:
    settings.PAYMENT_GATEWAY = "stripe"
    client.force_login(alice)
    assert client.post(page, {"answer": "confirm"}).status_code == 404
    assert balance(alice) == 10


def test_forms_without_their_token_are_refused(alice: User, page: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(page, {"answer": "confirm"}).status_code == 403
    assert balance(alice) == 10


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_the_first_of_two_racing_answers_holds(assert_ledger: None) -> None:
    user = make_user()
    purchase = start_checkout(user=user, pack="starter", return_url="http://x/payment/")[0]
    barrier = Barrier(8)

    def run(confirmed: bool) -> str:
        try:
            barrier.wait()
            return answer_sandbox(purchase_id=purchase.pk, confirmed=confirmed).status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = {each.result() for each in [pool.submit(run, i % 2 == 0) for i in range(8)]}
    assert len(found) == 1
    credited = LedgerEntry.objects.filter(wallet_id=user.pk, kind="purchase").count()
    assert credited == (1 if found == {"paid"} else 0)
