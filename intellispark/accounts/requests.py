"""The person behind a request."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from intellispark.accounts.models import User


def current_user(request: HttpRequest | Request) -> User:
    """The signed-in person. Only for views that let nobody else in: others raise TypeError."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is signed in: the view's permissions let them through.")
    return user
