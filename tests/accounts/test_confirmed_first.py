"""EMAIL_CONFIRMATION=on: an account is used once its address is confirmed, and answers are the same
for an address with and without an account."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intellispark.accounts.email_addresses import NOBODYS
from intellispark.accounts.email_links import confirmation_key
from intellispark.accounts.models import EmailChange, User
from intellispark.accounts.tokens import issue
from intellispark.housekeeping import run_pass
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


def test_what_a_sign_up_leaves_behind_is_the_same_for_a_known_and_an_unknown_address(
    alice: User,
) -> None:
    login = {"username": "alice", "password": PASSWORD}
    EmailAddress.objects.update(verified=True)
    left = []
    for name, email in (("carol", "alice@example.com"), ("dora", "dora@example.com")):
        register(name, email)
        own = {"username": name, "password": PASSWORD}
        mails = len(mail.outbox)
        answers = [
            post(Client(), "/api/auth/login", own),
            post(Client(), "/api/auth/login", own | {"password": "wrong"}),
            post(Client(), "/api/auth/login", {"email": email, "password": "wrong"}),
            register(name, "other@example.com"),
            Client().post("/accounts/login/", {"login": name, "password": PASSWORD}),
            Client().post("/accounts/login/", {"login": email, "password": "wrong"}),
            Client().post("/accounts/password/reset/", {"email": email}),
        ]
        sent = [each.to for each in mail.outbox[mails:]]
        assert sent == [[email]] * 3
        left.append([answer.status_code for answer in answers])
    assert left[0] == left[1] == [403, 401, 401, 422, 302, 200, 302]
    queries = [
        _queries_of(register, name, email)
        for name, email in (("erin", "alice@example.com"), ("fred", "fred@example.com"))
    ]
    assert queries[0] == queries[1], "nor does the time tell"
    assert post(Client(), "/api/auth/login", login).status_code == 200, "nor is alice disturbed"


def test_a_sign_up_with_a_known_address_can_never_be_confirmed(alice: User) -> None:
    register("carol", "alice@example.com")
    assert "confirm-email" not in mail.outbox[-1].body
    carol = User.objects.get(username="carol")
    forged = confirmation_key(carol, "alice@example.com")
    assert Client().post(f"/accounts/confirm-email/{forged}/").status_code == 409
    carol.refresh_from_db()
    assert carol.email.endswith(NOBODYS)


def test_of_two_who_sign_up_with_one_address_the_first_to_confirm_has_it() -> None:
    register("carol", "new@example.com")
    register("dora", "new@example.com")
    links = [re.findall(r"/accounts/confirm-email/\S+", str(sent.body))[0] for sent in mail.outbox]
    assert Client().post(links[1]).status_code == 302
    assert Client().post(links[0]).status_code == 409
    assert User.objects.get(email="new@example.com").username == "dora"
    assert not User.objects.exclude(username="dora").filter(confirm_by=None).exists()


def test_a_sign_up_that_nobody_confirms_is_closed_and_its_name_is_free(alice: User) -> None:
    for name, email in (("carol", "alice@example.com"), ("dora", "dora@example.com")):
        register(name, email)
    register("erin", "erin@example.com")
    [link] = re.findall(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    Client().post(link)
    assert run_pass()["unconfirmed_accounts_closed"] == 0
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        assert run_pass()["unconfirmed_accounts_closed"] == 2
        assert register("carol", "carol@example.com").status_code == 202
    assert set(User.objects.filter(is_active=True).values_list("username", flat=True)) == {
        "alice", "carol", "erin",
    }  # fmt: skip


def test_an_account_without_an_address_gets_no_mails(settings: Any) -> None:
    register("carol", "carol@example.com")
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    client = Client()
    client.force_login(User.objects.get())
    EmailChange.objects.all().delete()
    mail.outbox.clear()
    assert client.post("/accounts/email/", {"action_send": ""}).status_code == 302
    new = {"oldpassword": PASSWORD, "password1": "another-long-8", "password2": "another-long-8"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    assert mail.outbox == []


def test_an_account_that_was_used_is_not_closed(settings: Any) -> None:
    """EMAIL_CONFIRMATION was switched off after the sign-up."""
    register("carol", "carol@example.com")
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    client = Client()
    client.post("/accounts/login/", {"login": "carol", "password": PASSWORD})
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        client.post("/accounts/email/", {"action_send": ""})
        [link] = re.findall(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
        assert client.post(link).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        assert run_pass()["unconfirmed_accounts_closed"] == 0
    assert User.objects.get().email == "carol@example.com"


def _queries_of(act: Any, *args: Any) -> list[str]:
    """Verb and table of each statement."""
    with CaptureQueriesContext(connection) as queries:
        act(*args)
    found = (re.match(r'(SELECT|INSERT|UPDATE|DELETE).*?"(\w+)"', q["sql"]) for q in queries)
    return [f"{match[1]} {match[2]}" for match in found if match]


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
