"""Who a request comes from: the bearer first, else the session with its CSRF token."""

from __future__ import annotations

import pytest
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.tokens import Pair
from tests.accounts.conftest import JSON, by, error_of

pytestmark = pytest.mark.django_db


def whoami(client: Client, **headers: str) -> str:
    response = client.get("/api/auth/me", headers=headers)
    assert response.status_code == 200, response.content
    name: str = response.json()["username"]
    return name


def test_the_bearer_comes_before_the_session(api: Client, bob: User, pair: Pair) -> None:
    api.force_login(bob)
    assert whoami(api) == "bob"
    assert whoami(api, **by(pair)) == "alice"


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "bearer x y", "Bearer "])
def test_a_bad_bearer_is_refused_beside_a_good_session(api: Client, bob: User, header: str) -> None:
    api.force_login(bob)
    response = api.get("/api/auth/me", headers={"Authorization": header})
    error_of(response, 401, "not_signed_in")


def test_another_scheme_leaves_the_session_alone(api: Client, bob: User) -> None:
    api.force_login(bob)
    assert whoami(api, Authorization="Basic eDp5") == "bob"


def test_a_bearer_needs_no_csrf_token(api: Client, bob: User, pair: Pair) -> None:
    api.force_login(bob)
    response = api.patch("/api/auth/me", {"language": "en"}, content_type=JSON, headers=by(pair))
    assert response.json()["username"] == "alice"


def test_a_session_needs_its_csrf_token(api: Client, bob: User) -> None:
    api.get("/accounts/login/")
    token = api.cookies["csrftoken"].value
    api.force_login(bob)
    response = api.patch("/api/auth/me", {"language": "en"}, content_type=JSON)
    error_of(response, 403, "csrf_failed")
    response = api.patch(
        "/api/auth/me", {"language": "en"}, content_type=JSON, headers={"X-CSRFToken": token}
    )
    assert response.status_code == 200


def test_a_session_of_a_closed_account_is_nobody(api: Client, bob: User) -> None:
    api.force_login(bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    error_of(api.get("/api/auth/me"), 401, "not_signed_in")
