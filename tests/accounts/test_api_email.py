"""Another e-mail address by the API: the same flow as on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from intellispark.accounts import forms
from intellispark.accounts.models import EmailChange, User
from intellispark.accounts.tokens import Pair, issue
from tests.accounts.conftest import JSON, by, error_of, post
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)  # mails go out after the commit


@pytest.fixture
def alice() -> User:
    return make_user("alice")


@pytest.fixture
def pair(alice: User) -> Pair:
    return issue(alice)


def change(pair: Pair, **body: Any) -> Any:
    return Client().patch("/api/auth/me", body, content_type=JSON, headers=by(pair))


def test_a_stolen_token_does_not_become_the_account(alice: User, pair: Pair) -> None:
    """It has no password, so it moves nothing that a password could be restored by."""
    for body in ({}, {"current_password": ""}, {"current_password": "guess"}):
        answer = change(pair, email="thief@example.com", **body)
        fields = error_of(answer, 422, "validation_failed")["fields"]
        assert list(fields) == ["current_password"]
    Client().post("/accounts/password/reset/", {"email": "thief@example.com"})
    assert "password/reset/key" not in mail.outbox[-1].body
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"


def test_the_new_address_counts_once_it_is_confirmed(alice: User, pair: Pair) -> None:
    answer = change(pair, email="New@Example.com", current_password=PASSWORD)
    assert answer.status_code == 200
    shown = {"email": "alice@example.com", "pending_email": "new@example.com"}
    assert answer.json().items() >= shown.items()
    me = Client().get("/api/auth/me", headers=by(pair)).json()
    assert me.items() >= shown.items()
    [link] = re.findall(r"/accounts/confirm-email/\S+", str(mail.outbox[0].body))
    Client().post(link)
    me = Client().get("/api/auth/me", headers=by(pair)).json()
    assert (me["email"], me["pending_email"]) == ("new@example.com", None)
    assert EmailAddress.objects.get().verified
    assert [sent.to for sent in mail.outbox] == [["new@example.com"], ["alice@example.com"]]
    body = {"email": "new@example.com", "password": PASSWORD}
    assert post(Client(), "/api/auth/login", body).json()["user"]["email"] == "new@example.com"


def test_resets_go_to_the_confirmed_address_and_not_to_a_wish(alice: User, pair: Pair) -> None:
    EmailAddress.objects.update(verified=True)
    change(pair, email="new@example.com", current_password=PASSWORD)
    mail.outbox.clear()
    for email in ("new@example.com", "alice@example.com"):
        Client().post("/accounts/password/reset/", {"email": email})
    keys = ["password/reset/key" in sent.body for sent in mail.outbox]
    assert [(sent.to[0], key) for sent, key in zip(mail.outbox, keys, strict=True)] == [
        ("new@example.com", False),
        ("alice@example.com", True),
    ]


def test_the_address_of_today_needs_no_password(alice: User, pair: Pair) -> None:
    answer = change(pair, email="ALICE@example.com", language="zh-hans")
    assert answer.status_code == 200
    assert (answer.json()["language"], answer.json()["pending_email"]) == ("zh-hans", None)
    assert mail.outbox == []


def test_name_and_address_change_together_or_not_at_all(
    alice: User, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = change(pair, username="renamed", email="n@example.com", current_password="x")
    assert wrong.status_code == 422
    make_user("bob", email="n@example.com")  # taken between the check and the write
    monkeypatch.setattr(forms.ChangeEmailForm, "clean_email", lambda self: "n@example.com")
    late = change(pair, username="renamed", email="n@example.com", current_password=PASSWORD)
    assert list(error_of(late, 422, "validation_failed")["fields"]) == ["email"]
    alice.refresh_from_db()
    assert alice.username == "alice"
    assert not EmailChange.objects.exists()
    assert mail.outbox == []
