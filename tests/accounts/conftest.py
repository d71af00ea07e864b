"""What these tests share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from intellispark.accounts.models import User
from intellispark.accounts.tokens import Pair, issue
from tests.api.conftest import error_of

__all__ = ["error_of"]
JSON = "application/json"


@pytest.fixture
def api() -> Client:
    """A client that is nobody, and checks CSRF as a browser's would be."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def pair(alice: User) -> Pair:
    return issue(alice)


def by(pair: Pair) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access']}"}


def post(client: Client, path: str, body: dict[str, Any], **extra: Any) -> Any:
    return client.post(path, body, content_type=JSON, **extra)
