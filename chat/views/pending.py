"""What somebody wanted to say before they had an account, kept in their session.

The session survives signing up and signing in (its key changes, its data stays) and is emptied
by signing out, so nothing here reaches the next person on the same browser.
"""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest

_PENDING = "pending_start"
_DRAFTS = "drafts"


class PendingStart(TypedDict):
    """A chat that was asked for: with whom, the first message, and the key that makes it once."""

    character: str
    message: str
    key: str


def keep_start(request: HttpRequest, start: PendingStart) -> None:
    request.session[_PENDING] = start


def pending_start(request: HttpRequest) -> PendingStart | None:
    return request.session.get(_PENDING)


def forget_start(request: HttpRequest) -> None:
    request.session.pop(_PENDING, None)


def keep_draft(request: HttpRequest, *, chat_id: object, text: str) -> None:
    """The chat page takes it out again and puts it in the composer."""
    request.session[_DRAFTS] = {**request.session.get(_DRAFTS, {}), str(chat_id): text}
