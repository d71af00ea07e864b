"""Buying tokens: one path, which repetitions and races cannot walk twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from intellispark.accounts.models import User
from intellispark.api.idempotency import IdempotencyConflict
from payments.billing import checkout
from payments.billing.checkout import start_checkout
from payments.billing.fulfilment import decline, fulfill
from payments.errors import GatewayUnavailable, InvariantViolated, UnknownPack
from payments.ledger import operations as ledger
from payments.models import LedgerEntry, Purchase, Wallet
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

HOME = "https://shop.example/payment/"


def begin(user: User, pack: str = "starter", key: str = "") -> Purchase:
    return start_checkout(user=user, pack=pack, return_url=HOME, key=key)[0]


def balance(user: User) -> int:
    return Wallet.objects.get(pk=user.pk).balance


def purchase_entries(user: User) -> int:
    return LedgerEntry.objects.filter(wallet_id=user.pk, kind="purchase").count()


def test_a_start_leaves_a_pending_purchase_and_no_tokens(alice: User) -> None:
    purchase, url = start_checkout(user=alice, pack="standard", return_url=HOME)
    assert (purchase.status, purchase.tokens, purchase.price_cents) == ("pending", 500, 999)
    assert url == f"https://shop.example/payment/sandbox/{purchase.pk}/"
    assert balance(alice) == 10


def test_an_unknown_pack_leaves_nothing(alice: User) -> None:
    with pytest.raises(UnknownPack):
        begin(alice, "gold", key="k")
    assert not Purchase.objects.exists()
    assert begin(alice, "starter", key="k").pack == "starter"  # the key is still free


def test_fulfil_credits_once_however_often_it_is_called(alice: User, assert_ledger: None) -> None:
    purchase = begin(alice)
    entries = {fulfill(purchase_id=purchase.pk).entry_id for _ in range(3)}
    assert len(entries) == 1
    assert balance(alice) == 110
    entry = LedgerEntry.objects.get(pk=entries.pop())
    assert (entry.kind, entry.amount, entry.description) == ("purchase", 100, "Starter pack")
    assert (entry.key, entry.reference) == (f"purchase:{purchase.pk}", str(purchase.pk))
    purchase.refresh_from_db()
    assert purchase.status == "paid"


@pytest.mark.django_db(transaction=True)
def test_ten_threads_fulfil_at_once_and_one_credit_is_made(assert_ledger: None) -> None:
    user = make_user()
    purchase = begin(user)
    barrier = Barrier(10)

    def run() -> str:
        try:
            barrier.wait()
            return fulfill(purchase_id=purchase.pk).status
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        found = [each.result() for each in [pool.submit(run) for _ in range(10)]]
    assert found == ["paid"] * 10
    assert purchase_entries(user) == 1
    assert balance(user) == 110


@pytest.mark.django_db(transaction=True)
def test_ten_threads_start_with_one_key_and_one_purchase_is_made() -> None:
    user = make_user()
    barrier = Barrier(10)

    def run() -> str:
        try:
            barrier.wait()
            return str(begin(user, key="double-click").pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        found = {each.result() for each in [pool.submit(run) for _ in range(10)]}
    assert len(found) == 1
    assert Purchase.objects.count() == 1


def test_a_key_leads_to_the_same_purchase_and_page(alice: User) -> None:
    first = start_checkout(user=alice, pack="starter", return_url=HOME, key="k")
    again = start_checkout(user=alice, pack="starter", return_url=HOME, key="k")
    assert (first[0].pk, first[1]) == (again[0].pk, again[1])
    with pytest.raises(IdempotencyConflict):
        begin(alice, "premium", key="k")
    assert begin(alice, "starter", key="another").pk != first[0].pk


def test_keys_of_two_people_have_nothing_to_do_with_each_other(alice: User, bob: User) -> None:
    assert begin(alice, key="k").user == alice
    assert begin(bob, "premium", key="k").user == bob


def test_a_gateway_that_fails_leaves_a_purchase_that_the_key_takes_up(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(checkout, "get_gateway", lambda key: _Unreachable())
        with pytest.raises(GatewayUnavailable):
            begin(alice, key="k")
    pending = Purchase.objects.get()
    assert pending.status == "pending"
    assert begin(alice, key="k") == pending


class _Unreachable:
    key = "unreachable"

    def create_session(self, *args: object, **kwargs: object) -> str:
        raise GatewayUnavailable


def test_a_declined_purchase_credits_nothing(alice: User) -> None:
    purchase = decline(purchase_id=begin(alice).pk)
    assert purchase.status == "failed"
    assert balance(alice) == 10


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_money_that_comes_late_is_credited_all_the_same(
    alice: User, status: str, assert_ledger: None
) -> None:
    purchase = begin(alice)
    Purchase.objects.filter(pk=purchase.pk).update(status=status)
    assert fulfill(purchase_id=purchase.pk).status == "paid"
    assert balance(alice) == 110


def test_a_paid_purchase_stays_paid_when_a_decline_comes_late(alice: User) -> None:
    purchase = begin(alice)
    fulfill(purchase_id=purchase.pk)
    assert decline(purchase_id=purchase.pk).status == "paid"
    assert balance(alice) == 110


def test_a_refunded_purchase_is_not_credited_again(alice: User) -> None:
    purchase = begin(alice)
    fulfill(purchase_id=purchase.pk)
    Purchase.objects.filter(pk=purchase.pk).update(status="refunded")
    assert fulfill(purchase_id=purchase.pk).status == "refunded"
    assert balance(alice) == 110


def test_a_price_change_does_not_touch_what_was_begun(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = begin(alice)
    monkeypatch.setattr("payments.billing.catalogue.PACKS", {})
    fulfill(purchase_id=purchase.pk)
    assert balance(alice) == 110


def test_nothing_can_be_paid_without_its_entry(alice: User) -> None:
    purchase = begin(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Purchase.objects.filter(pk=purchase.pk).update(status="paid")


@pytest.mark.parametrize("tokens", [0, -100])
def test_nothing_but_a_positive_number_of_tokens_can_be_credited(alice: User, tokens: int) -> None:
    with pytest.raises(InvariantViolated):
        ledger.purchase(wallet_id=alice.pk, tokens=tokens, key="k", description="x", reference="x")
    purchase = begin(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Purchase.objects.filter(pk=purchase.pk).update(tokens=tokens)
    assert balance(alice) == 10


def test_fulfil_needs_a_purchase_of_ours(db: None) -> None:
    with pytest.raises(Purchase.DoesNotExist):
        fulfill(purchase_id=uuid4())


def test_a_credit_that_fails_leaves_the_purchase_pending(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = begin(alice)

    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Purchase, "save", fails)
        with pytest.raises(RuntimeError):
            fulfill(purchase_id=purchase.pk)
    assert balance(alice) == 10
    fulfill(purchase_id=purchase.pk)
    assert balance(alice) == 110
