"""The one way by which a person's open pages hear of a change.

`publish_on_commit` is called inside the transaction that makes the change, the frame goes out
after its commit, and nothing that happens to the frame can harm the commit: a version beacon
(see `hub.py`) repairs what was lost.
"""

from __future__ import annotations

from uuid import UUID

from channels.layers import get_channel_layer
from django.db import transaction

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.events import CloseMessage, Frame, FrameMessage, as_message
from intellispark.realtime.transport.layer import DirectChannelLayer


def user_group(user_id: UUID | str) -> str:
    """The Channels group of all the person's sockets, whatever process holds them."""
    return f"user.{user_id}"


def publish_on_commit(user_id: UUID, event: Frame) -> None:
    """After the commit, `event` reaches every open socket of that person as a JSON frame.

    Its `type` is one of `events.EVENTS`.
    """
    message = as_message(event)

    def publish() -> None:  # named: Django's robust hook reads __qualname__, a partial has none
        send_to_group(user_group(user_id), message)

    transaction.on_commit(publish, robust=True)


def close_on_commit(
    user_id: UUID, *, code: CloseCode, session_key: str = "", family: str = ""
) -> None:
    """After the commit, close the person's sockets: those of one session, one family, or all."""
    message: CloseMessage = {
        "type": "socket.close",
        "code": int(code),
        "session_key": session_key,
        "family": str(family),
    }

    def close() -> None:
        send_to_group(user_group(user_id), message)

    transaction.on_commit(close, robust=True)


def send_to_group(group: str, message: FrameMessage | CloseMessage) -> None:
    """Hand the message to the channel layer without ever waiting long for it.

    To the sockets of this process straight on their loop, whatever becomes of Redis; to those of
    others with one PUBLISH on this process's own connection. (`async_to_sync(group_send)` would
    open a connection each time.)
    """
    layer: DirectChannelLayer = get_channel_layer()
    layer.deliver(group, message)
    layer.publish(group, message)
