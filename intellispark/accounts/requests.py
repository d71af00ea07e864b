"""The person behind a request."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import translation
from rest_framework.request import Request

from intellispark.accounts.models import User
from intellispark.accounts.sockets import Credential, person
from intellispark.accounts.tokens import bearer_of, holder_of, session_user
from intellispark.api.errors import NotSignedIn, Suspended
from intellispark.realtime.close_codes import CloseCode


def current_user(request: HttpRequest | Request) -> User:
    """The signed-in person. Only for views that let nobody else in: others raise TypeError."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is signed in: the view's permissions let them through.")
    return user


async def authenticate(request: HttpRequest) -> User:
    """Who sends this: the bearer's owner first, else the session's. For plain async views.

    A bearer takes one query, together with all who come at the same moment; a session none, for
    the middleware has read it. A bad bearer is refused even where a session would do: whoever
    sends one means it. Raises NotSignedIn, Suspended, CsrfFailed.
    """
    raw = bearer_of(request)
    if raw is None:
        user = session_user(request)
        if user is None:
            raise NotSignedIn
        return user
    user_id, family, ends = holder_of(raw)
    found = await person(Credential(family=str(family), user_id=user_id, expires=ends))
    if isinstance(found, CloseCode):
        raise Suspended if found is CloseCode.REFUSED else NotSignedIn
    if found.language:
        translation.activate(found.language)
    request.user = found  # for the log line, which names the person
    return found
