"""What a session keeps of a chat to start: before signing in, and where it could not be sent.

Signing up and signing in change the session's key and keep its data. Signing out empties it, so
the next person on the same browser sees nothing of this.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest

_PENDING = "pending_start"
_DRAFTS = "unsent"
MOST_DRAFTS = 5  # of 10 kB each, in a row that every page reads


class PendingStart(TypedDict):
    """A chat to start: the character's id, the first message, and the key that makes it once."""

    character: str
    message: str
    key: str


class Draft(TypedDict):
    """A first message that was refused: the error's code, and its sentence."""

    text: str
    code: str
    reason: str


def keep_start(request: HttpRequest, start: PendingStart) -> None:
    request.session[_PENDING] = start


def pending_start(request: HttpRequest) -> PendingStart | None:
    return request.session.get(_PENDING)


def forget_start(request: HttpRequest) -> None:
    request.session.pop(_PENDING, None)


def keep_draft(request: HttpRequest, *, chat_id: UUID, draft: Draft) -> None:
    """Keep it for the chat page, which puts it into the composer; of the newest chats only."""
    drafts = {**request.session.get(_DRAFTS, {}), str(chat_id): draft}
    request.session[_DRAFTS] = dict(list(drafts.items())[-MOST_DRAFTS:])


def take_draft(request: HttpRequest, *, chat_id: UUID) -> Draft | None:
    """The draft of that chat, once: from then on the browser keeps it."""
    drafts: dict[str, Draft] = request.session.get(_DRAFTS, {})
    draft = drafts.pop(str(chat_id), None)
    if draft:
        request.session[_DRAFTS] = drafts
    return draft
