"""Signing in, refreshing and signing out over the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from intellispark.accounts.models import TokenFamily, User
from intellispark.accounts.suspension import lift_suspension, suspend
from intellispark.accounts.tokens import Pair, family_of, holder_of, issue, purge
from intellispark.api.errors import NotSignedIn
from tests.accounts.conftest import by, error_of, post
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def login(client: Client, **body: Any) -> Any:
    return post(client, "/api/auth/login", {"password": PASSWORD} | body)


def refresh(client: Client, pair: Pair) -> Any:
    return post(client, "/api/auth/refresh", {"refresh": pair["refresh"]})


def me(client: Client, pair: Pair) -> Any:
    return client.get("/api/auth/me", headers=by(pair))


@pytest.mark.parametrize(
    "name",
    [
        {"username": "alice"},
        {"username": "ALICE"},
        {"email": "Alice@Example.com"},
        {"username": "alice@example.com"},
    ],
)
def test_sign_in_by_name_or_address_in_any_case(
    api: Client, alice: User, name: dict[str, str]
) -> None:
    response = login(api, **name)
    assert response.status_code == 200
    assert response.json()["user"]["username"] == "alice"
    assert me(api, response.json()).status_code == 200
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_a_wrong_password_an_unknown_name_and_a_closed_account_sound_the_same(
    api: Client, alice: User, bob: User
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    answers = [
        error_of(response, 401, "invalid_credentials")["detail"]
        for response in (
            login(api, username="alice", password="wrong"),
            login(api, username="nobody"),
            login(api, email="nobody@example.com"),
            login(api, username="bob"),
        )
    ]
    assert len(set(answers)) == 1


def test_the_suspended_hear_it_after_the_right_password_only(api: Client, alice: User) -> None:
    suspend(user=alice)
    error_of(login(api, username="alice"), 403, "suspended")
    error_of(login(api, username="alice", password="wrong"), 401, "invalid_credentials")


@pytest.mark.parametrize("body", [{}, {"username": ""}, {"username": "alice", "password": ""}])
def test_what_is_missing_is_a_validation_error(api: Client, body: dict[str, str]) -> None:
    error_of(login(api, **body), 422, "validation_failed")


def test_refresh_gives_a_new_pair_of_the_same_family(api: Client, pair: Pair) -> None:
    answer = refresh(api, pair)
    assert answer.status_code == 200
    new: Pair = answer.json()
    assert set(new) == {"access", "refresh"}
    assert new["refresh"] != pair["refresh"]
    assert family_of(new["access"]) == family_of(pair["access"])
    assert me(api, new).status_code == 200
    assert refresh(api, new).status_code == 200


def test_a_refresh_token_used_twice_ends_its_family_and_no_other(
    api: Client, alice: User, pair: Pair
) -> None:
    phone = issue(alice)
    new = refresh(api, pair).json()
    error_of(refresh(api, pair), 401, "not_signed_in")
    error_of(me(api, new), 401, "not_signed_in")
    error_of(refresh(api, new), 401, "not_signed_in")
    assert me(api, phone).status_code == 200


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_used_twice_at_once_ends_its_family_too() -> None:
    pair = issue(make_user("alice"))
    barrier = Barrier(5)

    def one(_number: int) -> int:
        try:
            barrier.wait()
            return refresh(Client(), pair).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        statuses = sorted(pool.map(one, range(5)))
    assert statuses in ([200, 401, 401, 401, 401],)
    assert TokenFamily.objects.get().revoked_at is not None


def test_signing_out_ends_that_family_and_may_be_repeated(
    api: Client, alice: User, pair: Pair
) -> None:
    phone = issue(alice)
    for _ in range(2):
        response = post(api, "/api/auth/logout", {"refresh": pair["refresh"]})
        assert response.status_code == 204
        assert response.content == b""
    error_of(me(api, pair), 401, "not_signed_in")
    error_of(refresh(api, pair), 401, "not_signed_in")
    assert me(api, phone).status_code == 200
    error_of(post(api, "/api/auth/logout", {"refresh": "x"}), 401, "not_signed_in")
    error_of(post(api, "/api/auth/logout", {}), 422, "validation_failed")


def test_a_new_password_ends_every_family(api: Client, alice: User, pair: Pair) -> None:
    alice.set_password("another-long-password-8")
    alice.save()
    error_of(me(api, pair), 401, "not_signed_in")
    error_of(refresh(api, pair), 401, "not_signed_in")


def test_a_stronger_hash_of_the_same_password_ends_nothing(
    api: Client, alice: User, pair: Pair, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert login(api, username="alice").status_code == 200
    alice.refresh_from_db()
    assert alice.password.startswith("pbkdf2")
    assert me(api, pair).status_code == 200


def test_suspension_ends_every_family_for_good(api: Client, alice: User, pair: Pair) -> None:
    suspend(user=alice)
    error_of(me(api, pair), 403, "suspended")
    error_of(refresh(api, pair), 403, "suspended")
    lift_suspension(user=alice)
    error_of(me(api, pair), 401, "not_signed_in")
    assert login(api, username="alice").status_code == 200


def test_a_suspension_that_came_past_the_model_counts_too(
    api: Client, alice: User, pair: Pair
) -> None:
    User.objects.filter(pk=alice.pk).update(suspended_at=timezone.now())
    error_of(me(api, pair), 403, "suspended")
    error_of(refresh(api, pair), 403, "suspended")


def test_the_deactivated_are_refused(api: Client, alice: User, pair: Pair) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    error_of(me(api, pair), 401, "not_signed_in")
    error_of(refresh(api, pair), 401, "not_signed_in")


def test_an_access_token_lasts_15_minutes_and_a_refresh_token_30_days(
    api: Client, alice: User
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        pair = issue(alice)
        clock.shift(timedelta(minutes=14))
        assert me(api, pair).status_code == 200
        clock.shift(timedelta(minutes=2))
        error_of(me(api, pair), 401, "not_signed_in")
        clock.shift(timedelta(days=29))
        pair = refresh(api, pair).json()
        clock.shift(timedelta(days=31))
        error_of(refresh(api, pair), 401, "not_signed_in")


def test_a_signature_that_was_read_before_lasts_no_longer(pair: Pair) -> None:
    """It is read once and remembered; its end is looked at every time."""
    holder = holder_of(pair["access"])
    assert holder_of(pair["access"]) == holder
    with (
        time_machine.travel(timezone.now() + timedelta(minutes=16)),
        pytest.raises(NotSignedIn),
    ):
        holder_of(pair["access"])


def test_a_token_of_the_wrong_kind_or_without_a_family_is_refused(
    api: Client, alice: User, pair: Pair
) -> None:
    error_of(me(api, {"access": pair["refresh"], "refresh": ""}), 401, "not_signed_in")
    error_of(refresh(api, {"access": "", "refresh": pair["access"]}), 401, "not_signed_in")
    strays = [str(AccessToken.for_user(alice)), "x.y.z", "", "null"]
    for stray in strays:
        error_of(me(api, {"access": stray, "refresh": ""}), 401, "not_signed_in")
    stray = str(RefreshToken.for_user(alice))
    error_of(refresh(api, {"access": "", "refresh": stray}), 401, "not_signed_in")


def test_a_token_of_another_persons_family_is_refused(
    api: Client, alice: User, bob: User, pair: Pair
) -> None:
    token = AccessToken.for_user(bob)
    token["fam"] = str(family_of(pair["access"]))
    error_of(me(api, {"access": str(token), "refresh": ""}), 401, "not_signed_in")


def test_the_table_of_tokens_holds_none_that_can_be_used(pair: Pair) -> None:
    assert [row.token for row in OutstandingToken.objects.all()] == [""]


def test_expired_tokens_and_dead_families_are_forgotten(alice: User, pair: Pair) -> None:
    later = timezone.now() + timedelta(days=31)
    TokenFamily.objects.update(revoked_at=timezone.now())
    assert purge() == 0
    with time_machine.travel(later):
        issue(alice)
        assert purge() == 2, "the token and its family"
        assert TokenFamily.objects.count() == OutstandingToken.objects.count() == 1
