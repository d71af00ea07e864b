"""The price list, checkout and purchases over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from intellispark.accounts.models import User
from payments.billing.fulfilment import fulfill
from payments.billing.gateways.sandbox.gateway import SandboxGateway
from payments.errors import GatewayUnavailable
from payments.models import Purchase, Wallet

CHECKOUT = "/api/payment/checkout"


def post(client: Client, body: Any, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(CHECKOUT, body, "application/json", headers=headers)


def test_anybody_may_read_the_price_list(client: Client, db: None) -> None:
    assert client.get("/api/payment/packs").json() == {
        "results": [
            {
                "key": "starter",
                "name": "Starter",
                "tokens": 100,
                "price_cents": 299,
                "currency": "USD",
            },
            {
                "key": "standard",
                "name": "Standard",
                "tokens": 500,
                "price_cents": 999,
                "currency": "USD",
            },
            {
                "key": "premium",
                "name": "Premium",
                "tokens": 2000,
                "price_cents": 2499,
                "currency": "USD",
            },
        ]
    }


def test_nothing_is_sold_where_payments_are_off(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.PAYMENT_GATEWAY = "off"
    client.force_login(alice)
    answer = post(client, {"pack": "starter"}, key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "payments_off")
    page = client.get("/payment/").content.decode()
    assert "data-pack" not in page
    assert "Get tokens" not in page
    assert "cannot be bought on this site" in page
    assert client.post("/payment/checkout/", {"pack": "starter"}).status_code == 403
    assert not Purchase.objects.exists()


def test_checkout_answers_with_a_purchase_and_where_to_pay(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = post(client, {"pack": "starter"})
    assert answer.status_code == 201
    found = answer.json()
    assert found["url"] == f"http://testserver/payment/sandbox/{found['purchase_id']}/"
    assert Wallet.objects.get(pk=alice.pk).balance == 10


def test_the_client_chooses_neither_tokens_nor_price(client: Client, alice: User) -> None:
    client.force_login(alice)
    body = {"pack": "starter", "tokens": 9_999, "price_cents": 1, "currency": "XXX", "user": "x"}
    purchase = Purchase.objects.get(pk=post(client, body).json()["purchase_id"])
    assert (purchase.tokens, purchase.price_cents, purchase.currency) == (100, 299, "USD")
    assert purchase.user == alice


@pytest.mark.parametrize(
    "body", [{"pack": "gold"}, {"pack": ""}, {}, {"pack": None}, {"pack": ["starter"]}, []]
)
def test_an_unknown_pack_is_422(client: Client, alice: User, body: Any) -> None:
    client.force_login(alice)
    answer = post(client, body)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"]
    assert not Purchase.objects.exists()


def test_a_repeated_key_replays_the_answer(client: Client, alice: User) -> None:
    client.force_login(alice)
    first, again = (post(client, {"pack": "starter"}, "k") for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert Purchase.objects.count() == 1
    other = post(client, {"pack": "premium"}, "k")
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_conflict"


def test_an_unreachable_gateway_is_503_with_retry_after(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> str:
        raise GatewayUnavailable

    monkeypatch.setattr(SandboxGateway, "create_session", fails)
    client.force_login(alice)
    answer = post(client, {"pack": "starter"}, "k")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["error"]["code"] == "payment_unavailable"
    monkeypatch.undo()
    assert post(client, {"pack": "starter"}, "k").status_code == 201
    assert Purchase.objects.count() == 1


def test_too_long_a_key_is_422(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert post(client, {"pack": "starter"}, "k" * 81).status_code == 422


def test_the_signed_out_buy_nothing(client: Client, db: None) -> None:
    assert post(client, {"pack": "starter"}).status_code == 401


def test_a_purchase_tells_how_it_stands(client: Client, alice: User) -> None:
    client.force_login(alice)
    purchase_id = post(client, {"pack": "standard"}).json()["purchase_id"]
    url = f"/api/payment/purchases/{purchase_id}"
    pending = client.get(url).json()
    assert (pending["status"], pending["entry_id"], pending["tokens"]) == ("pending", None, 500)
    fulfill(purchase_id=purchase_id)
    paid = client.get(url).json()
    assert (paid["status"], paid["id"], paid["pack"]) == ("paid", purchase_id, "standard")
    assert isinstance(paid["entry_id"], int)
    assert paid["created_at"].endswith("Z")


def test_purchases_of_others_are_not_found(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    purchase_id = post(client, {"pack": "starter"}).json()["purchase_id"]
    client.force_login(bob)
    for wanted in (purchase_id, str(uuid4()), "7", "nonsense"):
        answer = client.get(f"/api/payment/purchases/{wanted}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
