"""Every check of a password is counted, for its address and its account, and every mail for whom
it goes to and who asked for it. Counted before it is worked on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import hashers
from django.core import mail
from django.test import Client

from intellispark.accounts.attempts import MAIL_FROM, MAIL_TO, PASSWORD
from intellispark.accounts.dead_families import dead_families
from intellispark.accounts.models import User
from intellispark.accounts.rate_limits import ELSE, SIGN_IN
from intellispark.accounts.sockets import Credential, identify
from intellispark.accounts.suspension import suspend
from intellispark.accounts.tokens import holder_of, issue, revoke_all
from tests.accounts.conftest import JSON, by, error_of, post
from tests.accounts.test_rate_limits import _counted  # noqa: F401  limits on, from nought
from tests.support.factories import PASSWORD as RIGHT
from tests.support.factories import make_user
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
EACH = SIGN_IN.limit.amount
assert EACH == PASSWORD.limit.amount == 10


def page(client: Client, path: str, body: dict[str, str]) -> Callable[[str, str], int]:
    def call(password: str, address: str) -> int:
        filled = {name: value or password for name, value in body.items()}
        return client.post(path, filled, REMOTE_ADDR=address).status_code

    return call


def checks_of(alice: User) -> dict[str, Callable[[str, str], int]]:
    """Every way to have a password of the account checked: `(password, address)` to the status."""
    client = Client()
    client.force_login(alice)
    pair, sleeve = issue(alice), {"password1": "x", "password2": "x"}
    return {
        "sign in by page": page(Client(), "/accounts/login/", {"login": "alice", "password": ""}),
        "sign in by address": page(
            Client(), "/accounts/login/", {"login": "Alice@Example.com", "password": ""}
        ),
        "sign in by api": lambda password, address: (
            post(
                Client(),
                "/api/auth/login",
                {"username": "ALICE", "password": password},
                REMOTE_ADDR=address,
            ).status_code
        ),
        "reauthenticate": page(client, "/accounts/reauthenticate/", {"password": ""}),
        "close": page(client, "/settings/", {"action": "close", "password": ""}),
        "new password": page(client, "/accounts/password/change/", {"oldpassword": ""} | sleeve),
        "new address": page(
            client, "/accounts/email/", {"email": "a2@example.com", "current_password": ""}
        ),
        "new address by api": lambda password, address: (
            Client()
            .patch(
                "/api/auth/me",
                {"email": "a2@example.com", "current_password": password},
                content_type=JSON,
                headers=by(pair),
                REMOTE_ADDR=address,
            )
            .status_code
        ),
    }


NAMES = [
    "sign in by page", "sign in by address", "sign in by api", "reauthenticate", "close",
    "new password", "new address", "new address by api",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_password_is_tried_ten_times_for_an_account_from_however_many_addresses(
    name: str, alice: User
) -> None:
    tried = checks_of(alice)[name]
    statuses = [tried("wrong", f"192.0.2.{number}") for number in range(EACH + 2)]
    assert 429 not in statuses[:EACH]
    assert statuses[EACH:] == [429, 429]
    assert tried(RIGHT, "192.0.2.99") == 429, "nor is the right one told from the others"
    alice.refresh_from_db()
    assert alice.is_active


@pytest.mark.parametrize("name", NAMES)
def test_a_password_is_tried_ten_times_from_an_address_for_however_many_accounts(
    name: str,
) -> None:
    tries = [
        (name_of, checks_of(user))
        for name_of, user in ((f"n{n}", make_user(f"alice{n}", email=f"{n}@x.org")) for n in "abc")
    ]
    statuses = []
    for number in range(EACH + 1):
        tried = tries[number % 3][1][name]
        statuses.append(tried("wrong", "192.0.2.1"))
    assert 429 not in statuses[:EACH]
    assert statuses[EACH] == 429


def test_a_thief_of_a_session_has_one_window_whatever_tokens_they_send(
    alice: User, bob: User
) -> None:
    client = Client()
    client.force_login(alice)
    statuses = [
        client.post(
            "/accounts/reauthenticate/",
            {"password": "wrong"},
            headers=by(issue(bob)),
            REMOTE_ADDR=f"192.0.2.{number}",
        ).status_code
        for number in range(EACH + 1)
    ]
    assert statuses[EACH] == 429


def test_all_ways_to_sign_in_fill_one_window(alice: User) -> None:
    ways = [checks_of(alice)[name] for name in NAMES[:3]]
    statuses = [ways[n % 3]("wrong", f"192.0.2.{n}") for n in range(EACH + 1)]
    assert statuses[EACH] == 429


def test_a_name_without_an_account_has_a_window_too(alice: User) -> None:
    def tried(number: int) -> int:
        body = {"username": "Nobody", "password": "wrong"}
        return post(Client(), "/api/auth/login", body, REMOTE_ADDR=f"192.0.2.{number}").status_code

    assert [tried(number) for number in range(EACH + 1)] == [401] * EACH + [429]


def test_a_sign_in_names_one_account(alice: User, bob: User) -> None:
    """Or guesses at alice could be laid to somebody else's account."""
    body = {"username": "alice", "email": "bob@example.com", "password": RIGHT}
    refused = error_of(post(Client(), "/api/auth/login", body), 422, "validation_failed")
    assert list(refused["fields"]) == ["email"]


def test_a_right_password_empties_only_the_window_of_the_account_that_it_opened(
    alice: User,
) -> None:
    """Whatever else was meant by what was typed: here a name of before names had a rule."""
    mallory = make_user("mallory", email="mallory@example.com")
    User.objects.filter(pk=mallory.pk).update(username="alice@example.com")
    mallory.refresh_from_db()
    mallory.set_password("of-mallory-77")
    mallory.save()
    statuses = []
    for number in range(EACH + 1):
        last = number == EACH - 1
        body = {"username": alice.email, "password": "of-mallory-77" if last else "wrong"}
        answer = post(Client(), "/api/auth/login", body, REMOTE_ADDR=f"192.0.2.{number}")
        statuses.append(answer.status_code)
    assert statuses == [401] * (EACH - 1) + [200, 429]


def test_the_right_password_empties_the_accounts_window(alice: User) -> None:
    tried = checks_of(alice)["sign in by api"]
    for number in range(3 * EACH):
        right = number % EACH == EACH - 1
        assert tried(RIGHT if right else "wrong", f"192.0.2.{number}") == (200 if right else 401)


def test_a_stranger_does_not_keep_the_owner_out(alice: User) -> None:
    """Whoever is signed in, and a browser that was, have windows of their own."""
    known, signed_in = Client(), Client()
    body = {"login": "alice", "password": RIGHT}
    assert known.post("/accounts/login/", body, REMOTE_ADDR="198.51.100.1").status_code == 302
    known.post("/accounts/logout/")
    signed_in.force_login(alice)
    stranger = checks_of(alice)["sign in by page"]
    for number in range(EACH + 1):
        stranger("wrong", f"192.0.2.{number}")
    assert stranger(RIGHT, "192.0.2.99") == 429
    answer = known.post("/accounts/login/", body, REMOTE_ADDR="198.51.100.1")
    assert answer.status_code == 302
    sure = signed_in.post("/accounts/reauthenticate/", {"password": RIGHT})
    assert sure.status_code == 302
    assert PASSWORD.limit.get_expiry() == 300, "and the others wait five minutes at most"


def test_a_browser_knows_only_the_accounts_that_it_signed_in(alice: User, bob: User) -> None:
    mallory = Client()
    mallory.post("/accounts/login/", {"login": "bob", "password": RIGHT})
    mallory.post("/accounts/logout/")
    body = {"login": "alice", "password": "wrong"}
    statuses = [
        client.post("/accounts/login/", body, REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number, client in enumerate([mallory, Client()] * (EACH // 2) + [mallory])
    ]
    assert statuses[-1] == 429
    forged = Client()
    forged.cookies["device"] = mallory.cookies["device"].value[:-2] + "xx"
    assert forged.post("/accounts/login/", body, REMOTE_ADDR="192.0.2.9").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_check_is_counted_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fifteen at once ten are hashed, and not fifteen."""
    make_user("alice")
    made: list[int] = []
    verify = hashers.MD5PasswordHasher.verify
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "verify", lambda *of: made.append(1) or verify(*of)
    )

    def one(number: int) -> int:
        body = {"username": "alice", "password": "wrong"}
        return post(Client(), "/api/auth/login", body, REMOTE_ADDR=f"192.0.2.{number}").status_code

    assert sorted(at_once(15, one)) == [401] * EACH + [429] * 5
    assert len(made) == EACH


# --- Mails --------------------------------------------------------------------------------------


def ask(path: str, client: Client, address: str = "192.0.2.1", **body: str) -> int:
    return client.post(path, body, REMOTE_ADDR=address).status_code


def test_sixty_resets_for_one_person_are_five_mails(alice: User) -> None:
    statuses = [
        ask("/accounts/password/reset/", Client(), f"192.0.2.{n}", email="Alice@example.com")
        for n in range(60)
    ]
    assert statuses == [302] * MAIL_TO.limit.amount + [429] * 55
    assert len(mail.outbox) == MAIL_TO.limit.amount == 5


def test_an_address_without_an_account_is_counted_alike(alice: User) -> None:
    known, unknown = (
        [ask("/accounts/password/reset/", Client(), f"192.0.2.{n}", email=email) for n in range(7)]
        for email in ("alice@example.com", "nobody@example.com")
    )
    assert known == unknown


def test_one_sender_has_twenty_mails_an_hour_whoever_they_go_to() -> None:
    statuses = [
        ask("/accounts/password/reset/", Client(), email=f"{n}@example.com") for n in range(25)
    ]
    assert statuses == [302] * MAIL_FROM.limit.amount + [429] * 5
    assert len(mail.outbox) == MAIL_FROM.limit.amount == 20


def test_a_mail_that_is_sent_again_counts_too(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    statuses = [ask("/accounts/email/", client, action_send="") for _ in range(7)]
    assert statuses == [302] * 5 + [429] * 2
    assert len(mail.outbox) == 5


@pytest.mark.django_db(transaction=True)
def test_wishes_for_addresses_count_and_are_not_kept_when_there_are_too_many() -> None:
    alice = make_user("alice")
    client = Client()
    client.force_login(alice)
    wish = {"current_password": RIGHT, "action_add": ""}
    statuses = [ask("/accounts/email/", client, email="n@example.com", **wish) for _ in range(7)]
    assert statuses == [302] * 5 + [429] * 2
    assert len(mail.outbox) == 5


def test_a_full_window_stops_the_mail_of_a_sign_up_and_not_the_sign_up() -> None:
    for number in range(5):
        ask("/accounts/password/reset/", Client(), f"192.0.2.{number}", email="n@example.com")
    new = {"username": "newcomer", "email": "n@example.com", "password1": RIGHT}
    assert ask("/accounts/signup/", Client(), **new) == 302
    assert len(mail.outbox) == 5


@pytest.mark.django_db(transaction=True)
def test_what_tells_of_a_change_is_sent_however_many_mails_were_asked_for() -> None:
    """Or a thief would fill the owner's window first."""
    alice = make_user("alice")
    EmailAddress.objects.update(verified=True)
    for number in range(6):
        ask("/accounts/password/reset/", Client(), f"192.0.2.{number}", email=alice.email)
    client = Client()
    client.force_login(alice)
    new = {"oldpassword": RIGHT, "password1": "another-long-8", "password2": "another-long-8"}
    assert ask("/accounts/password/change/", client, **new) == 302
    assert len(mail.outbox) == 6


@pytest.mark.django_db(transaction=True)
def test_an_address_that_nobody_confirmed_gets_no_more_of_these_than_of_others() -> None:
    """It may be a stranger's: whoever signed up with it could send them as many as they like."""
    mallory = make_user("mallory", email="stranger@example.com")
    passwords = [f"another-long-{number}" for number in range(8)]
    client = Client()
    client.force_login(mallory)
    for old, new in zip([RIGHT, *passwords], passwords, strict=False):
        body = {"oldpassword": old, "password1": new, "password2": new}
        assert ask("/accounts/password/change/", client, **body) == 302
    assert len(mail.outbox) == MAIL_TO.limit.amount


# --- Whose request it is ------------------------------------------------------------------------


@pytest.mark.parametrize("end", [revoke_all, lambda user: suspend(user=user)])
def test_a_revoked_token_counts_as_its_address_and_not_as_its_owner(
    alice: User, api: Client, monkeypatch: pytest.MonkeyPatch, end: Callable[[User], Any]
) -> None:
    dead_families.clear()
    monkeypatch.setattr(ELSE.limit, "amount", 5)
    stolen = by(issue(alice))
    end(alice)
    statuses = {api.get("/api/auth/me", headers=stolen).status_code for _ in range(20)}
    assert 429 in statuses
    User.objects.filter(pk=alice.pk).update(suspended_at=None)
    good = by(issue(User.objects.get(pk=alice.pk)))
    asked = [api.get("/api/auth/me", headers=good).status_code for _ in range(4)]
    assert asked == [200] * 4


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("get", "/", 0),
        ("get", "/accounts/login/", 0),
        ("post", "/api/auth/login", 0),
        ("get", "/api/nothing", 0),
        ("get", "/api/auth/me", 1),  # the first, which tells
    ],
)
def test_a_token_counts_only_where_it_is_verified(
    alice: User, monkeypatch: pytest.MonkeyPatch, method: str, path: str, taken: int
) -> None:
    dead_families.clear()
    monkeypatch.setattr(ELSE.limit, "amount", 5)
    stolen = by(issue(alice))
    revoke_all(alice)
    for number in range(20):
        address = f"192.0.2.{number}"
        getattr(Client(), method)(path, headers=stolen, REMOTE_ADDR=address)
    good = by(issue(alice))
    asked = [Client().get("/api/auth/me", headers=good).status_code for _ in range(6 - taken)]
    assert asked == [200] * (5 - taken) + [429]


def test_tokens_of_ones_own_send_no_more_mails(alice: User, bob: User) -> None:
    tokens = [None, by(issue(alice)), by(issue(bob))]
    statuses = [
        Client()
        .post(
            "/accounts/password/reset/",
            {"email": f"{number}@example.com"},
            headers=tokens[number % 3] or {},
        )
        .status_code
        for number in range(25)
    ]
    assert statuses == [302] * MAIL_FROM.limit.amount + [429] * 5


def test_an_expired_access_token_says_nothing_about_its_family(alice: User) -> None:
    dead_families.clear()
    user_id, family, _ = holder_of(issue(alice)["access"])
    identify([Credential(family=str(family), user_id=user_id, expires=1)])
    assert str(family) not in dead_families
