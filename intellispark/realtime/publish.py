"""The one way by which a person's open pages hear of a change.

`publish_on_commit` is called inside the transaction that makes the change, the frame goes out
after its commit, and nothing that happens to the frame can harm the commit: a version beacon
(see `hub.py`) repairs what was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import redis
import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.events import as_message
from intellispark.realtime.transport.breaker import redis_breaker
from intellispark.realtime.transport.redis_publisher import RedisPublisher
from intellispark.realtime.transport.server_loop import run_on_server

logger = structlog.get_logger(__name__)

REDIS_TIMEOUT_SECS = 0.2

ALL_PROCESSES = "hubs"
"""The Channels group of all processes' hubs. What it is told: messages of mine were lost."""

_lost = False  # whether the other processes have missed a message of this one


def user_group(user_id: UUID | str) -> str:
    """The Channels group of all the person's sockets, whatever process holds them."""
    return f"user.{user_id}"


def publish_on_commit(user_id: UUID, event: Mapping[str, Any]) -> None:
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
    message = {
        "type": "socket.close",
        "code": int(code),
        "session_key": session_key,
        "family": str(family),
    }

    def close() -> None:
        send_to_group(user_group(user_id), message)

    transaction.on_commit(close, robust=True)


def send_to_group(group: str, message: dict[str, Any]) -> None:
    """Hand the message to the channel layer without ever waiting long for it.

    To the sockets of this process straight on its loop, whatever becomes of Redis; to those of
    others with one PUBLISH on this process's own connection. (`async_to_sync(group_send)` would
    open a connection each time.)
    """
    layer: Any = get_channel_layer()
    run_on_server(layer.deliver, group, message)
    if settings.REDIS_URL:
        _send_to_others((group, message))


def report_lost() -> None:
    """Tell the other processes that they missed something, if they did. May wait for Redis."""
    if _lost:
        _send_to_others()


def _send_to_others(*messages: tuple[str, dict[str, Any]]) -> None:
    global _lost
    if not redis_breaker.allows():
        _lost = True
        return
    layer: Any = get_channel_layer()
    if _lost:
        _lost = False
        messages = (*messages, (ALL_PROCESSES, {"type": "messages.lost"}))
    try:
        for group, message in messages:
            _redis().send("PUBLISH", *layer.packed(group, message))
    except redis.RedisError as error:
        _lost = True
        if redis_breaker.failed():
            logger.warning("publish.failed", error=repr(error))
    else:
        redis_breaker.passed()


@cache
def _redis() -> RedisPublisher:
    return RedisPublisher(settings.REDIS_URL, timeout_secs=REDIS_TIMEOUT_SECS)
