"""What these tests share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.tokens import issue


def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error in the answer, after checking that it has the contract's shape."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert error["code"] == code
    assert error["detail"]
    assert error["request_id"] == response["X-Request-ID"] != ""
    assert set(error) <= {
        *("code", "detail", "request_id", "fields", "retry_after", "needed", "available"),
    }
    return error


@pytest.fixture
def api() -> Client:
    """A client that is nobody, checks CSRF as a browser's would be, and shows 500 answers."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def bearer(alice: User) -> dict[str, str]:
    """Alice's access token, as request headers."""
    return {"Authorization": f"Bearer {issue(alice)['access']}"}
