"""`/api/auth/me`: reading and changing oneself."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.tokens import Pair
from tests.accounts.conftest import JSON, by, error_of
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db


def change(client: Client, pair: Pair, **body: Any) -> Any:
    return client.patch("/api/auth/me", body, content_type=JSON, headers=by(pair))


def test_one_sees_oneself(api: Client, alice: User, pair: Pair) -> None:
    body = api.get("/api/auth/me", headers=by(pair)).json()
    assert set(body) == {"id", "username", "email", "pending_email", "language", "created_at"}
    assert body["id"] == str(alice.pk)


def test_what_is_named_changes_and_nothing_else(api: Client, alice: User, pair: Pair) -> None:
    response = change(api, pair, language="zh-hans", id="x", is_staff=True, created_at=None)
    assert response.status_code == 200
    assert response.json()["language"] == "zh-hans"
    alice.refresh_from_db()
    assert (alice.username, alice.email, alice.is_staff) == ("alice", "alice@example.com", False)
    assert change(api, pair).status_code == 200
    assert change(api, pair, language="").json()["language"] == ""
    assert change(api, pair, username="Alice").json()["username"] == "Alice"
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "BOB"}, "username"),
        ({"username": "a@b"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "Bob@example.com", "current_password": PASSWORD}, "email"),
        ({"email": "x", "current_password": PASSWORD}, "email"),
        ({"email": "new@example.com", "current_password": "wrong"}, "current_password"),
        ({"email": "new@example.com"}, "current_password"),
        ({"language": "tlh"}, "language"),
        ({"language": 7}, "language"),
    ],
)
def test_what_is_refused_names_its_field_and_changes_nothing(
    api: Client, alice: User, bob: User, pair: Pair, body: dict[str, Any], field: str
) -> None:
    error = error_of(change(api, pair, **body), 422, "validation_failed")
    assert list(error["fields"]) == [field]
    assert mail.outbox == []
    before = (alice.username, alice.email, alice.language)
    alice.refresh_from_db()
    assert (alice.username, alice.email, alice.language) == before
