"""What is long is not yet hard to guess."""

from __future__ import annotations

import pytest
from django.test import Client

from intellispark.accounts.models import User
from tests.accounts.conftest import error_of, post

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "password",
    [" " * 9, "\u200b" * 9, "u" * 8, "uUuUuUuU", "ababcabab", "\u3164\u2800" * 5, "好" * 9],
)
def test_a_password_has_different_characters_that_can_be_seen(api: Client, password: str) -> None:
    body = {"username": "carol", "email": "carol@example.com", "password": password}
    refused = error_of(post(api, "/api/auth/register", body), 422, "validation_failed")
    assert refused["fields"] == {"password": ["Use at least 4 different visible characters."]}
    form = {"username": "carol", "email": "carol@example.com", "password1": password}
    assert "4 different" in Client().post("/accounts/signup/", form).content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["床前明月光疑是地上霜", "a b c d e f", "correct horse battery"]
)
def test_a_password_may_have_letters_of_all_scripts_and_spaces(api: Client, password: str) -> None:
    body = {"username": "carol", "email": "carol@example.com", "password": password}
    assert post(api, "/api/auth/register", body).status_code == 201
