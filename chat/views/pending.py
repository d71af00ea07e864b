"""The chat and first message that a visitor asked for before signing in, kept in the session.

Signing up and signing in change the session's key and keep its data. Signing out empties it, so
the next person on the same browser sees nothing of this.
"""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest

_PENDING = "pending_start"
_DRAFTS = "drafts"
MOST_DRAFTS = 5  # of 10 kB each, in a row that every page reads


class PendingStart(TypedDict):
    """A chat to start: the character's id, the first message, and the key that makes it once."""

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
    """Keep the text for the composer of the chat page; of the newest chats only."""
    drafts = {**request.session.get(_DRAFTS, {}), str(chat_id): text}
    request.session[_DRAFTS] = dict(list(drafts.items())[-MOST_DRAFTS:])
