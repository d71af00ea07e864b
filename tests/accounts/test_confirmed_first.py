"""EMAIL_CONFIRMATION=on: an account is used once its address is confirmed, and answers are the same
for an address with and without an account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue
from tests.accounts.conftest import JSON, by, error_of, post
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def without_ids(answer: Any) -> tuple[Any, ...]:
    body = re.sub(r'(csrfmiddlewaretoken" value="|nonce=")[^"]+', "", answer.content.decode())
    kept = {"Location", "Content-Type", "Cache-Control"} & answer.headers.keys()
    return answer.status_code, body, {name: answer[name] for name in kept}


def register(name: str, email: str) -> Any:
    body = {"username": name, "email": email, "password": PASSWORD}
    return post(Client(), "/api/auth/register", body)


def sign_up(client: Client, name: str, email: str) -> Any:
    return client.post(
        "/accounts/signup/", {"username": name, "email": email, "password1": PASSWORD}
    )


def test_registering_says_the_same_for_a_known_and_an_unknown_address(alice: User) -> None:
    known, unknown = register("carol", "alice@example.com"), register("dora", "dora@example.com")
    assert known.status_code == unknown.status_code == 202
    assert known.json() == {"pending_email": "alice@example.com"}
    assert unknown.json() == {"pending_email": "dora@example.com"}
    assert known.cookies == unknown.cookies == {}
    assert [sent.to[0] for sent in mail.outbox] == ["alice@example.com", "dora@example.com"]
    assert not User.objects.filter(username="carol").exists()


def test_the_page_says_the_same_for_a_known_and_an_unknown_address(alice: User) -> None:
    clients = Client(), Client()
    known = sign_up(clients[0], "carol", "alice@example.com")
    unknown = sign_up(clients[1], "dora", "dora@example.com")
    assert without_ids(known) == without_ids(unknown)
    assert known["Location"] == "/accounts/confirm-email/"
    assert set(clients[0].cookies) == set(clients[1].cookies)
    pages = [without_ids(client.get(known["Location"])) for client in clients]
    assert pages[0][0] == 200
    assert re.sub("alice@|dora@", "", pages[0][1]) == re.sub("alice@|dora@", "", pages[1][1])
    assert [client.get("/api/auth/me").status_code for client in clients] == [401, 401]


def test_a_taken_name_is_told_before_the_address_is_looked_at(alice: User) -> None:
    for email in ("alice@example.com", "dora@example.com"):
        answer = register("alice", email)
        assert list(error_of(answer, 422, "validation_failed")["fields"]) == ["username"]


def test_an_account_is_used_once_its_address_is_confirmed(client: Client) -> None:
    register("carol", "carol@example.com")
    login = {"username": "carol", "password": PASSWORD}
    error_of(post(client, "/api/auth/login", login), 403, "email_unconfirmed")
    wrong = post(client, "/api/auth/login", login | {"password": "wrong"})
    error_of(wrong, 401, "invalid_credentials")
    page = client.post("/accounts/login/", {"login": "carol", "password": PASSWORD})
    assert page["Location"] == "/accounts/confirm-email/"
    [link] = re.findall(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert client.post(link).status_code == 302
    assert post(client, "/api/auth/login", login).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_wish_says_the_same_for_a_known_and_an_unknown_address() -> None:
    alice, _ = make_user("alice"), make_user("bob")
    headers = by(issue(alice))

    def wish(email: str) -> Any:
        body = {"email": email, "current_password": PASSWORD}
        return Client().patch("/api/auth/me", body, content_type=JSON, headers=headers)

    for email in ("bob@example.com", "nobody@example.com"):
        answer = wish(email)
        assert (answer.status_code, answer.json()["pending_email"]) == (200, email)
    assert [sent.to[0] for sent in mail.outbox] == ["bob@example.com", "nobody@example.com"]
    assert "confirm-email" not in mail.outbox[0].body, "nothing that could be clicked by mistake"
