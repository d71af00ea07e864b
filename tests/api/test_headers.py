"""What every answer says to browsers, refusals included."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from intellispark.accounts.models import User
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/nowhere/", "/api/nothing", "/api/docs/", "/healthz"]
)
def test_every_answer_has_the_security_headers_and_its_id(path: str) -> None:
    response = Client().get(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert re.fullmatch(r"[0-9a-f-]{36}", response["X-Request-ID"])
    policy = response["Content-Security-Policy"]
    for directive in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy


def test_inline_scripts_carry_the_nonce_of_their_own_answer() -> None:
    nonces = set()
    for _ in range(2):
        response = Client().get("/accounts/login/")
        [nonce] = re.findall(
            r"script-src 'self' 'nonce-([^']+)'", response["Content-Security-Policy"]
        )
        inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", response.content.decode())
        run = [tag for tag in inline if 'type="application/json"' not in tag]
        assert run
        assert all(f'nonce="{nonce}"' in tag for tag in run)
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_429_has_the_headers_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from intellispark.accounts import rate_limits

    settings.RATE_LIMITS = True
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 0)
    settings.REDIS_URL = ""
    response = Client().get("/accounts/login/")
    assert response.status_code == 429
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_cookies_are_kept_from_scripts_and_other_sites(settings: Settings, alice: User) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    client.get("/accounts/login/")
    response = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    cookie = response.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    csrf = client.get("/settings/").cookies.get("csrftoken") or client.cookies["csrftoken"]
    assert csrf["samesite"] == "Lax"


def test_answers_of_the_api_are_not_stored(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    response = client.get("/api/auth/me")
    assert response["Cache-Control"] == "no-store"
    assert {"Cookie", "Accept-Language"} <= {part.strip() for part in response["Vary"].split(",")}
