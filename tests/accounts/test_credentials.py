"""A credential dies with what it was issued from: the password, the address, the open account.

Whatever was under way when that changed comes too late, however it was begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth import login
from django.contrib.sessions.backends.base import UpdateError
from django.core import mail
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from intellispark.accounts import emails, passwords
from intellispark.accounts.closing import close_account
from intellispark.accounts.email_links import confirmation_key
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import EmailChange, User
from intellispark.accounts.sessions import SessionStore
from intellispark.accounts.suspension import lift_suspension, suspend
from intellispark.accounts.tokens import issue
from intellispark.api.errors import NotSignedIn, Suspended
from tests.accounts.conftest import by, post
from tests.support.factories import PASSWORD, make_user
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
NEW = "another-long-password-8"
KEY_PAGE = r"/accounts/password/reset/key/\S+"


def again(user: User) -> User:
    """Another copy of the person, as another request has one."""
    return User.objects.get(pk=user.pk)


def set_password(user: User) -> None:
    passwords.change(user=again(user), password=NEW)


def set_password_past_the_model(user: User) -> None:
    fresh = again(user)
    fresh.set_password(NEW)
    User.objects.filter(pk=user.pk).update(password=fresh.password)


def suspend_and_lift(user: User) -> None:
    suspend(user=again(user))
    lift_suspension(user=again(user))


def close(user: User) -> None:
    close_account(user=again(user))


ENDS: list[Callable[[User], None]] = [
    set_password,
    set_password_past_the_model,
    suspend_and_lift,
    close,
]


@pytest.mark.parametrize("end", ENDS)
def test_tokens_die_also_those_that_come_after(
    api: Client, alice: User, end: Callable[[User], None]
) -> None:
    early, signing_in = issue(alice), again(alice)
    end(alice)
    assert api.get("/api/auth/me", headers=by(early)).status_code == 401
    body = {"refresh": early["refresh"]}
    assert post(api, "/api/auth/refresh", body).status_code == 401
    with pytest.raises(NotSignedIn):
        issue(signing_in)


@pytest.mark.parametrize("end", ENDS)
def test_sessions_die_also_those_that_come_after(
    client: Client, alice: User, end: Callable[[User], None]
) -> None:
    client.force_login(alice)
    signing_in, request = again(alice), HttpRequest()
    request.session = SessionStore()
    end(alice)
    assert client.get("/api/auth/me").status_code == 401
    signing_in.backend = "allauth.account.auth_backends.AuthenticationBackend"  # type: ignore[attr-defined]
    login(request, signing_in)
    late = Client()
    with suppress(UpdateError):  # of a closed account
        request.session.save()
    late.cookies["sessionid"] = request.session.session_key or ""
    assert late.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize("end", [*ENDS, lambda user: suspend(user=again(user))])
def test_the_key_of_a_reset_mail_dies(
    client: Client, alice: User, end: Callable[[User], None]
) -> None:
    client.post("/accounts/password/reset/", {"email": alice.email})
    [link] = re.findall(KEY_PAGE, str(mail.outbox[0].body))
    form = client.get(link, follow=True).redirect_chain[-1][0]
    end(alice)
    before = again(alice).password
    answer = client.post(form, {"password1": NEW + "9", "password2": NEW + "9"})
    assert "This link no longer works" in answer.content.decode()
    assert "This link no longer works" in client.get(link, follow=True).content.decode()
    assert again(alice).password == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ENDS)
def test_the_wish_for_another_address_dies(client: Client, end: Callable[[User], None]) -> None:
    alice = make_user("alice")
    client.force_login(alice)
    wish = {"email": "thief@example.com", "current_password": PASSWORD, "action_add": ""}
    client.post("/accounts/email/", wish)
    [link] = re.findall(r"/accounts/confirm-email/\S+", str(mail.outbox[0].body))
    end(alice)
    assert client.post(link).status_code == 404
    assert "thief" not in again(alice).email
    with pytest.raises(NotSignedIn):  # nor one whose password was proved before
        emails.request_change(user=alice, email="thief@example.com")


def test_a_change_of_password_needs_the_password_of_today(alice: User) -> None:
    """Two forms were sent with the right password; the first made it the wrong one."""
    first, second = again(alice), again(alice)
    passwords.change(user=first, password=NEW)
    with pytest.raises(NotSignedIn):
        passwords.change(user=second, password="stolen-and-changed-9")
    assert again(alice).check_password(NEW)


def test_closing_needs_the_password_of_today(alice: User) -> None:
    proved = again(alice).get_session_auth_hash()
    set_password(alice)
    with pytest.raises(NotSignedIn):
        close_account(user=alice, auth_hash=proved)
    assert again(alice).is_active


def test_a_stronger_hash_never_brings_an_old_password_back(alice: User, settings: Any) -> None:
    """Django writes it whatever the row holds by then."""
    signing_in = again(alice)
    set_password(alice)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert not signing_in.check_password(PASSWORD)
    assert again(alice).check_password(NEW)


def test_two_who_strengthen_the_hash_at_once_both_get_in(alice: User, settings: Any) -> None:
    first, second = again(alice), again(alice)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert first.check_password(PASSWORD)
    assert second.check_password(PASSWORD)
    issue(second)


def test_an_old_copy_of_a_person_undoes_nothing(alice: User) -> None:
    """Whoever saves one, our code or a package's, writes what they changed and no more."""
    old = again(alice)
    User.objects.filter(pk=alice.pk).update(suspended_at=timezone.now(), username="renamed")
    old.set_password(NEW)
    old.save()
    fresh = again(alice)
    assert (fresh.is_suspended, fresh.username) == (True, "renamed")
    assert fresh.check_password(NEW)
    old.language = "en"
    old.refresh_from_db(fields=["username"])
    User.objects.filter(pk=alice.pk).update(username="renamed-again")
    old.save()
    assert again(alice).username == "renamed-again"


def test_the_suspended_are_issued_nothing(client: Client, alice: User) -> None:
    suspend(user=again(alice))
    with pytest.raises(Suspended):
        issue(alice)
    client.post("/accounts/password/reset/", {"email": alice.email})
    assert mail.outbox == [], "and nothing is said that is not so"


def test_a_reset_proves_the_address_and_is_told(client: Client, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": "Alice@Example.com"})
    [link] = re.findall(KEY_PAGE, str(mail.outbox[0].body))
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": NEW, "password2": NEW})
    assert emails.is_confirmed(alice)
    assert [sent.to for sent in mail.outbox] == [["alice@example.com"]] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(8))
def test_a_sign_in_that_races_a_change_of_password_keeps_nothing(round_: int) -> None:
    alice = make_user("alice")
    given: list[Any] = []

    def one(number: int) -> None:
        if number == 0:
            set_password(alice)
        elif number % 2:
            body = {"username": "alice", "password": PASSWORD}
            answer = post(Client(), "/api/auth/login", body)
            assert answer.status_code in (200, 401), answer.content
            given.append({"Authorization": f"Bearer {answer.json().get('access')}"})
        else:
            client = Client()
            client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
            given.append({"Cookie": client.cookies.output(header="", sep=";")})

    assert at_once(5, one) == [None] * 5
    for headers in given:
        cookie = headers.pop("Cookie", "")
        extra = {"HTTP_COOKIE": cookie} if cookie else {}
        assert Client().get("/api/auth/me", headers=headers, **extra).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_password_at_once_one_happens() -> None:
    alice = make_user("alice")

    clients = [Client() for _ in range(4)]
    for client in clients:
        client.force_login(alice)

    def one(number: int) -> str:
        new = f"{NEW}-{number}"
        body = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        answer = clients[number].post("/accounts/password/change/", body)
        return str(answer.headers.get("Location", answer.status_code))

    found = at_once(4, one)
    [changed] = [number for number, place in enumerate(found) if place == "/settings/"]
    assert again(alice).check_password(f"{NEW}-{changed}")


@pytest.mark.django_db(transaction=True)
def test_a_conflict_while_confirming_is_a_refusal_and_changes_nothing() -> None:
    """Two people want one address, and follow their links at once."""
    people = [make_user(name) for name in ("alice", "bob")]
    for user in people:
        EmailChange.objects.create(user=user, new_email="both@example.com")
    paths = [f"/accounts/confirm-email/{confirmation_key(u, 'both@example.com')}/" for u in people]
    found = at_once(2, lambda number: Client().post(paths[number]).status_code)
    assert sorted(found) == [302, 409]
    for user in people:
        rows = user.emailaddress_set.values_list("email", flat=True)  # type: ignore[attr-defined]
        assert list(rows) == [again(user).email]
    assert User.objects.filter(email="both@example.com").count() == 1


def test_a_proof_is_compared_under_the_lock(alice: User) -> None:
    with transaction.atomic():
        assert lock_open_account(alice.pk, auth_hash=alice.get_session_auth_hash()) == alice
    with pytest.raises(NotSignedIn), transaction.atomic():
        lock_open_account(alice.pk, auth_hash="another")
