"""The settings page, the language, and the way out."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils.translation import override

from chat.conversations.chats import create_chat
from intellispark.accounts.closing import close_account
from intellispark.accounts.models import User
from intellispark.accounts.signals import account_closed
from intellispark.accounts.tokens import Pair, issue
from intellispark.api.models import IdempotencyKey
from payments.models import LedgerEntry, Wallet
from tests.accounts.conftest import by, error_of
from tests.support.factories import PASSWORD, make_character

pytestmark = pytest.mark.django_db
SAME = {"username": "alice", "language": ""}


def test_settings_are_for_those_who_are_signed_in(client: Client) -> None:
    response = client.get("/settings/")
    assert response["Location"] == "/accounts/login/?next=/settings/"


def test_name_and_language_are_saved(client: Client, alice: User) -> None:
    client.force_login(alice)
    body = SAME | {"username": "Alicia", "language": "zh-hans"}
    assert client.post("/settings/", body).status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.language) == ("Alicia", "zh-hans")
    response = client.get("/settings/")
    assert response["Content-Language"] == "zh-hans"


def test_a_refused_name_is_said_and_shown_nowhere_else(
    client: Client, alice: User, bob: User
) -> None:
    client.force_login(alice)
    response = client.post("/settings/", SAME | {"username": "BOB"})
    assert response.status_code == 422
    assert "That username is taken." in response.content.decode()
    assert response.context["user"].username == "alice"
    alice.refresh_from_db()
    assert alice.username == "alice"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh", "zh-hans"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("de, en;q=0.5", "en"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_strangers_get_their_browsers_language(
    client: Client, accepted: str, language: str
) -> None:
    response = client.get("/accounts/login/", headers={"Accept-Language": accepted})
    assert response["Content-Language"] == language


def test_the_cookie_beats_the_browser_and_the_person_beats_both(
    client: Client, alice: User
) -> None:
    chinese = {"Accept-Language": "zh"}
    response = client.post("/language/", {"language": "en", "next": "/payment/"}, headers=chinese)
    assert (response.status_code, response["Location"]) == (302, "/payment/")
    assert client.get("/accounts/login/", headers=chinese)["Content-Language"] == "en"
    alice.language = "zh-hans"
    alice.save()
    client.force_login(alice)
    assert client.get("/settings/")["Content-Language"] == "zh-hans"


def test_choosing_a_language_is_remembered_with_the_person(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post("/language/", {"language": "zh-hans"})
    alice.refresh_from_db()
    assert alice.language == "zh-hans"
    assert client.cookies["django_language"].value == "zh-hans"
    client.post("/language/", {"language": "tlh"})
    alice.refresh_from_db()
    assert alice.language == "zh-hans"


def test_a_bearer_is_answered_in_their_own_language(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    response = client.get("/api/auth/me", headers=by(issue(alice)))
    assert response["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_choosing_a_language_never_leads_away(client: Client, target: str) -> None:
    assert client.post("/language/", {"language": "en", "next": target})["Location"] == "/"
    assert client.get("/language/").status_code == 405


@pytest.mark.both_engines
def test_closing_the_account_keeps_the_books_and_nothing_else(
    client: Client, alice: User, pair: Pair
) -> None:
    create_chat(user=alice, character_id=make_character().pk, key="k")
    assert IdempotencyKey.objects.exists()
    entries = LedgerEntry.objects.filter(wallet_id=alice.pk).count()
    other = Client()
    for browser in (client, other):
        browser.force_login(alice)
    response = client.post("/settings/", {"action": "close", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")
    gone = User.objects.get(pk=alice.pk)
    assert "alice" not in f"{gone.username}{gone.email}"
    assert (gone.is_active, gone.has_usable_password()) == (False, False)
    assert not EmailAddress.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert Wallet.objects.filter(pk=alice.pk).exists()
    assert LedgerEntry.objects.filter(wallet_id=alice.pk).count() == entries
    for browser in (client, other):
        error_of(browser.get("/api/auth/me"), 401, "not_signed_in")
    error_of(client.get("/api/auth/me", headers=by(pair)), 401, "not_signed_in")
    login = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert login.status_code == 200
    new = {"username": "alice", "email": "alice@example.com", "password1": PASSWORD}
    assert client.post("/accounts/signup/", new).status_code == 302


def test_closing_the_account_wants_the_password(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.post("/settings/", {"action": "close", "password": "wrong"})
    assert response.status_code == 422
    assert "Wrong password." in response.content.decode()
    alice.refresh_from_db()
    assert alice.is_active


def test_who_cannot_let_go_of_the_person_keeps_the_account_open(alice: User) -> None:
    def refuse(**kwargs: object) -> None:
        raise RuntimeError("not now")

    account_closed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            close_account(user=alice)
    finally:
        account_closed.disconnect(refuse)
    alice.refresh_from_db()
    assert (alice.username, alice.is_active) == ("alice", True)


def test_names_are_unique_in_any_case_for_the_database_too(alice: User) -> None:
    from django.db import IntegrityError, transaction

    with override("en"), pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ALICE", "other@example.com", PASSWORD)
