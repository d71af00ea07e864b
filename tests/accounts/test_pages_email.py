"""Changing the e-mail address: the one of today stays until the new one is confirmed."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils.translation import override

from intellispark.accounts.models import User
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db


def sign_up(name: str) -> tuple[Client, User]:
    client = Client()
    answer = client.post(
        "/accounts/signup/",
        {"username": name, "email": f"{name}@example.com", "password1": PASSWORD},
    )
    assert answer.status_code == 302, answer.content
    return client, User.objects.get(username=name)


def wanted(client: Client, email: str) -> None:
    answer = client.post("/accounts/email/", {"email": email, "action_add": ""})
    assert answer.status_code == 302


def test_an_unconfirmed_address_is_not_lost_to_a_wish() -> None:
    for name in ("alice", "bob"):
        client, user = sign_up(name)
        wanted(client, f"{name}.new@example.com")
        wanted(client, f"{name}.newer@example.com")
        user.refresh_from_db()
        assert user.email == f"{name}@example.com"
        found = dict(EmailAddress.objects.filter(user=user).values_list("email", "primary"))
        assert found == {f"{name}@example.com": True, f"{name}.newer@example.com": False}
        page = client.get("/accounts/email/").content.decode()
        assert f"Your address: {name}@example.com<" in page
        assert f"We sent an e-mail to {name}.newer@example.com." in page


def test_a_confirmed_wish_is_the_address() -> None:
    client, user = sign_up("alice")
    wanted(client, "alice.new@example.com")
    assert mail.outbox[-1].subject.startswith("IntelliSpark: ")
    assert "Hello from IntelliSpark!" in mail.outbox[-1].body
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link is not None
    client.post(link[0])
    user.refresh_from_db()
    assert user.email == "alice.new@example.com"
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [
        ("alice.new@example.com", True, True)
    ]


def test_a_wish_is_taken_back() -> None:
    client, user = sign_up("alice")
    wanted(client, "alice.new@example.com")
    client.post("/accounts/email/", {"email": "alice.new@example.com", "action_remove": ""})
    user.refresh_from_db()
    assert user.email == "alice@example.com"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["alice@example.com"]


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("en", "Confirm your e-mail address", "the e-mail address of your account alice:"),
        ("zh-hans", "确认你的邮箱", "确认这是你的账号 alice 的邮箱："),
    ],
)
def test_a_confirmation_names_the_account_and_speaks_its_language(
    language: str, subject: str, sentence: str
) -> None:
    client, _ = sign_up("alice")
    client.cookies["django_language"] = language
    with override("en"):  # and back to it: the page's language stays on after the request
        wanted(client, "alice.new@example.com")
    sent = mail.outbox[-1]
    assert sent.subject == f"IntelliSpark: {subject}"
    assert sentence in sent.body
    assert re.search(
        r"^http://testserver/accounts/confirm-email/\S+$", str(sent.body), re.MULTILINE
    )


def test_a_forgotten_password_is_asked_for_by_address() -> None:
    sign_up("alice")
    for name, subject in (("alice", "Choose a new password"), ("eve", "No account with this")):
        Client().post("/accounts/password/reset/", {"email": f"{name}@example.com"})
        assert subject in mail.outbox[-1].subject
        assert mail.outbox[-1].to == [f"{name}@example.com"]
        assert "&" not in str(mail.outbox[-1].body)
