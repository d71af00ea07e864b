"""`POST /api/auth/register`: the rules of the page, in JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from intellispark.accounts.models import User
from payments.models import LedgerEntry, Wallet
from tests.accounts.conftest import error_of, post

GOOD = {"username": "Carol", "email": "Carol@Example.com", "password": "a-long-enough-password-7"}


def register(client: Client, **changes: Any) -> Any:
    return post(client, "/api/auth/register", GOOD | changes)


@pytest.mark.django_db
def test_a_new_account_is_signed_in_and_has_its_welcome_tokens_once(api: Client) -> None:
    response = register(api)
    assert response.status_code == 201
    body = response.json()
    user = User.objects.get(username="Carol")
    assert body["user"]["id"] == str(user.pk)
    assert body["user"]["email"] == "carol@example.com"
    assert body["user"]["created_at"].endswith("Z")
    assert "password" not in str(body)
    assert Wallet.objects.get(pk=user.pk).balance == 10
    assert LedgerEntry.objects.filter(wallet_id=user.pk).count() == 1
    me = api.get("/api/auth/me", headers={"Authorization": f"Bearer {body['access']}"})
    assert me.json() == body["user"]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_no_session_is_begun_and_none_is_needed(api: Client, alice: User) -> None:
    """Signed in as somebody, and without a CSRF token: neither counts here."""
    assert "sessionid" not in register(api).cookies
    api.force_login(alice)
    assert register(api, username="dave", email="dave@example.com").status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "ALICE"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "bob@example.com"}, "username"),
        ({"username": "Admin"}, "username"),
        ({"username": ""}, "username"),
        ({"username": None}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"username": "nul\x00"}, "username"),
        ({"email": "Alice@Example.COM"}, "email"),
        ({"email": "nonsense"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "12345678901"}, "password"),
        ({"password": "password"}, "password"),
    ],
)
def test_what_is_refused_names_its_field(
    api: Client, alice: User, changes: dict[str, Any], field: str
) -> None:
    error = error_of(register(api, **changes), 422, "validation_failed")
    assert list(error["fields"]) == [field]
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_taken_address_is_a_plain_sentence(api: Client, alice: User) -> None:
    error = error_of(register(api, email="alice@example.com"), 422, "validation_failed")
    assert error["fields"] == {"email": ["That e-mail already has an account."]}


@pytest.mark.django_db
def test_every_missing_field_is_named(api: Client) -> None:
    error = error_of(post(api, "/api/auth/register", {}), 422, "validation_failed")
    assert set(error["fields"]) == {"username", "email", "password"}


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_a_name_at_once_one_gets_it_and_the_other_hears_why() -> None:
    barrier = Barrier(6)

    def one(number: int) -> Any:
        try:
            barrier.wait()
            return register(Client(), email=f"carol{number}@example.com")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(one, range(6)))
    assert sorted(response.status_code for response in responses) == [201] + [422] * 5
    for response in responses:
        if response.status_code == 422:
            assert list(response.json()["error"]["fields"]) == ["username"]
    assert Wallet.objects.count() == 1
