"""Behind a proxy: only ours is believed, and links are of our origin, whatever a request names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from intellispark.accounts.models import User
from payments.api import transactions
from payments.ledger import operations as ledger
from tests.support.factories import make_character

pytestmark = pytest.mark.django_db
ORIGIN = "https://example.com"
PROXY = "10.0.0.1"


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TRUSTED_PROXIES = [PROXY]
    settings.SECURE_HSTS_SECONDS = 60
    monkeypatch.setattr(transactions, "PAGE_SIZE", 1)


@pytest.mark.parametrize(
    ("peer", "proto", "secure"),
    [
        (PROXY, "https", True),
        (PROXY, "http", False),
        (PROXY, None, False),
        ("192.0.2.1", "https", False),  # anybody can write a header
        ("", "https", False),
    ],
)
def test_the_scheme_is_what_our_own_proxy_says(peer: str, proto: str | None, secure: bool) -> None:
    headers = {"X-Forwarded-Proto": proto} if proto else {}
    answer = Client().get("/", headers=headers, REMOTE_ADDR=peer)
    assert ("Strict-Transport-Security" in answer) is secure


@pytest.mark.parametrize(("peer", "logged"), [(PROXY, "198.51.100.7"), ("192.0.2.1", "192.0.2.1")])
def test_the_log_names_the_address_that_is_counted(
    peer: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        Client().get("/healthz", headers={"X-Forwarded-For": "198.51.100.7"}, REMOTE_ADDR=peer)
    assert f"'ip': '{logged}'" in caplog.text


def test_nobody_says_it_without_a_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    answer = Client().get("/", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR=PROXY)
    assert "Strict-Transport-Security" not in answer


def links(client: Client, alice: User, **extra: Any) -> dict[str, str]:
    """Absolute links of ours, of every kind."""
    for number in range(2):
        make_character(f"Mira {number}", is_public=True)
        ledger.grant(wallet_id=alice.pk, tokens=1, key=f"g{number}")
    client.post("/accounts/password/reset/", {"email": alice.email}, **extra)
    [reset] = re.findall(r"https?://\S+/accounts/\S+", str(mail.outbox[-1].body))
    client.force_login(alice)
    checkout = client.post(
        "/api/payment/checkout", json.dumps({"pack": "starter"}), "application/json", **extra
    )
    lists = {
        "characters": "/api/characters?page_size=1",
        "transactions": "/api/payment/user/transactions",
    }
    found = {name: client.get(path, **extra).json()["next"] for name, path in lists.items()}
    return {"reset": reset, "checkout": checkout.json()["url"], **found}


def test_absolute_links_are_of_our_origin(settings: Settings, alice: User) -> None:
    """A request that names another of our hosts must not put it into anybody's mail."""
    settings.ORIGIN = ORIGIN
    for name, link in links(Client(), alice, headers={"Host": "localhost"}).items():
        assert link.startswith(f"{ORIGIN}/"), name


def test_a_mail_names_no_host_but_that_of_our_origin(settings: Settings, alice: User) -> None:
    settings.ORIGIN = ORIGIN
    for email in (alice.email, "nobody@example.org"):
        Client().post(
            "/accounts/password/reset/", {"email": email}, headers={"Host": "localhost:6666"}
        )
        body = str(mail.outbox[-1].body)
        assert "localhost" not in body
        assert body.rstrip().endswith("example.com")


def test_without_an_origin_they_are_of_the_host_that_was_asked(alice: User) -> None:
    for name, link in links(Client(), alice, headers={"Host": "localhost"}).items():
        assert link.startswith("http://localhost/"), name
