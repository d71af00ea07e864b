"""Who is asking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from intellispark.accounts.models import User


def signed_in(request: HttpRequest | Request) -> User:
    """The user of a request that a permission or `login_required` has let through."""
    return cast(User, request.user)
