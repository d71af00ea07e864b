"""Sign-up, sign-in and sign-out in the browser."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from payments.models import Wallet
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = {"username": "carol", "email": "carol@example.com", "password1": PASSWORD}


def signed_in_as(client: Client) -> str | None:
    response = client.get("/api/auth/me")
    return response.json()["username"] if response.status_code == 200 else None


def test_sign_up_signs_in_with_welcome_tokens_and_goes_back(client: Client) -> None:
    response = client.post("/accounts/signup/", NEW | {"next": "/characters/"})
    assert (response.status_code, response["Location"]) == (302, "/characters/")
    assert signed_in_as(client) == "carol"
    assert Wallet.objects.get(user__username="carol").balance == 10
    assert EmailAddress.objects.get().verified is False
    assert "confirm-email" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "ALICE"}, "That username is taken."),
        ({"email": "ALICE@example.com"}, "That e-mail already has an account."),
        ({"username": "a@b"}, "A username cannot contain @."),
    ],
)
def test_sign_up_says_what_is_wrong(
    client: Client, alice: User, changes: dict[str, str], sentence: str
) -> None:
    response = client.post("/accounts/signup/", NEW | changes)
    assert sentence in response.content.decode()
    assert signed_in_as(client) is None
    assert User.objects.count() == 1


def test_a_taken_address_at_sign_up_leads_to_the_sign_in(client: Client, alice: User) -> None:
    body = NEW | {"email": "alice@example.com", "next": "/payment/"}
    html = client.post("/accounts/signup/?next=/payment/", body).content.decode()
    link = '<a href="/accounts/login/?next=%2Fpayment%2F">Sign in?</a>'
    assert f"<li>That e-mail already has an account. {link}</li>" in html
    taken_name = client.post("/accounts/signup/", NEW | {"username": "alice"}).content.decode()
    assert "Sign in?" not in taken_name


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (0, ""),
        (1, "1 free token is waiting for you. No card needed."),
        (25, "25 free tokens are waiting for you. No card needed."),
    ],
)
def test_sign_up_says_how_many_tokens_are_free(
    client: Client, settings: Any, tokens: int, sentence: str
) -> None:
    settings.WELCOME_TOKENS = tokens
    html = client.get("/accounts/signup/").content.decode()
    assert sentence in html
    assert ("No card needed" in html) == bool(tokens)


@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ("alice", "Wrong username or password."),
        ("alice@example.com", "Wrong e-mail or password."),
        ("nobody", "Wrong username or password."),
    ],
)
def test_a_failed_sign_in_says_what_may_be_wrong(
    client: Client, alice: User, login: str, sentence: str
) -> None:
    response = client.post("/accounts/login/", {"login": login, "password": "not-the-one-3"})
    assert sentence in response.content.decode()


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_of_two_who_sign_up_for_a_name_at_once_one_reads_why_not() -> None:
    barrier = Barrier(4)

    def one(number: int) -> Any:
        try:
            barrier.wait()
            body = NEW | {"email": f"carol{number}@example.com"}
            return Client().post("/accounts/signup/", body)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(one, range(4)))
    assert [response.status_code for response in responses].count(302) == 1
    for response in responses:
        if response.status_code != 302:
            assert "That username is taken." in response.content.decode()


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE@example.com"])
def test_sign_in_by_name_or_address(client: Client, alice: User, name: str) -> None:
    response = client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert signed_in_as(client) == "alice"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example/"],
)
def test_next_never_leads_away(client: Client, alice: User, target: str) -> None:
    body = {"login": "alice", "password": PASSWORD, "next": target}
    response = client.post("/accounts/login/", body)
    assert (response.status_code, response["Location"]) == (302, "/")


def test_the_suspended_get_their_own_page_and_no_session(client: Client, alice: User) -> None:
    suspend(user=alice)
    response = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert response.status_code == 403
    assert "accounts/suspended.html" in [template.name for template in response.templates]
    assert signed_in_as(client) is None
    wrong = client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    assert wrong.status_code == 200


def test_a_suspension_ends_the_session_at_the_next_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    suspend(user=alice)
    assert client.get("/api/auth/me").json()["error"]["code"] == "suspended"
    response = client.get("/settings/")
    assert response.status_code == 403
    assert "accounts/suspended.html" in [template.name for template in response.templates]
    assert client.get("/settings/").status_code == 302


@pytest.mark.parametrize("address", ["", "help@example.com"])
def test_the_suspended_read_where_to_write_to_if_there_is_an_address(
    client: Client, alice: User, settings: Any, address: str
) -> None:
    settings.CONTACT_EMAIL = address
    suspend(user=alice)
    page = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    html = page.content.decode()
    assert ("write to us" in html) == bool(address)
    assert ("mailto:help@example.com" in html) == bool(address)


def test_sign_out_is_a_post_and_ends_the_session(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.get("/accounts/logout/")
    assert signed_in_as(client) == "alice"
    assert client.post("/accounts/logout/").status_code == 302
    assert signed_in_as(client) is None


def test_a_forgotten_password_is_set_anew_and_signs_other_devices_out(
    client: Client, alice: User
) -> None:
    other = Client()
    other.force_login(alice)
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    [link] = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    form = client.get(link, follow=True).redirect_chain[-1][0]
    new = "another-long-password-8"
    done = client.post(form, {"password1": new, "password2": new}, follow=True)
    assert 'href="/accounts/login/">Sign in' in done.content.decode()
    assert signed_in_as(other) is None
    response = client.post("/accounts/login/", {"login": "alice", "password": new})
    assert response["Location"] == "/"


def test_asking_for_a_password_does_not_tell_who_has_an_account(
    client: Client, alice: User
) -> None:
    known, unknown = (
        client.post("/accounts/password/reset/", {"email": f"{name}@example.com"})
        for name in ("alice", "nobody")
    )
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"]


def test_a_new_password_keeps_this_browser_and_signs_the_others_out(
    client: Client, alice: User
) -> None:
    other = Client()
    for browser in (client, other):
        browser.force_login(alice)
    new = "another-long-password-8"
    body = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", body)["Location"] == "/settings/"
    assert signed_in_as(client) == "alice"
    assert signed_in_as(other) is None


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
)
def test_fields_are_named_once_and_passwords_explained_in_a_line(client: Client, path: str) -> None:
    html = client.get(path).content.decode()
    form = html[html.index('<form class="form"') :]
    assert "placeholder" not in form
    assert "<ul>" not in form


@pytest.mark.parametrize("key", ["nonsense", "MQ:1xVMkr:forged"])
def test_a_spent_confirmation_leads_to_a_new_one(client: Client, key: str) -> None:
    html = client.get(f"/accounts/confirm-email/{key}/").content.decode()
    assert "This link no longer works" in html
    assert 'href="/accounts/email/"' in html


def test_a_mail_server_that_is_away_does_not_break_a_sign_up(client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert client.post("/accounts/signup/", NEW).status_code == 302
    assert signed_in_as(client) == "carol"
