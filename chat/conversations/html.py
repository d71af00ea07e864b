"""The HTML of replies: made once when a reply ends, kept, and made anew by a newer renderer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from django.utils.safestring import SafeString, mark_safe

from chat.conversations.markdown import RENDERER_VERSION, render
from chat.conversations.models import Message
from chat.conversations.open_marks import close_open_marks


class RenderedHtml(TypedDict):
    """The columns of a message that keep its HTML."""

    content_html: str
    html_version: int


def html_of(message: Message) -> SafeString:
    """A reply's HTML, safe to insert. Empty for what people write, and while a reply grows: the
    text is shown then. No query: one reply of an older renderer is rendered for this answer only.
    """
    html = rendered(message)["content_html"] if is_stale(message) else message.content_html
    return mark_safe(html)  # noqa: S308  the renderer made it so


def rendered(message: Message) -> RenderedHtml:
    """The columns that keep the HTML of that message, with their values."""
    if not _has_html(message):
        return {"content_html": "", "html_version": 0}
    whole = message.status == Message.Status.COMPLETE and not message.cut_by
    text = message.content if whole else close_open_marks(message.content)
    return {"content_html": str(render(text)), "html_version": RENDERER_VERSION}


def keep_html(messages: Iterable[Message]) -> None:
    """Render those whose HTML is of another version, here and in their rows: one query, or none."""
    stale = [message for message in messages if is_stale(message)]
    for message in stale:
        for name, value in rendered(message).items():
            setattr(message, name, value)
    # A process of another version may do the same meanwhile; each reads only its own.
    Message.objects.bulk_update(stale, ["content_html", "html_version"])


def is_stale(message: Message) -> bool:
    return _has_html(message) and message.html_version != RENDERER_VERSION


def _has_html(message: Message) -> bool:
    return message.role == Message.Role.ASSISTANT and message.status != Message.Status.STREAMING
