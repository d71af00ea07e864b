"""The frames that sockets send: their types, and each frame's JSON, made once for all sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

T = TypeVar("T", bound=type)

Frame = Mapping[str, Any]
"""The payload of one of EVENTS. Which fields it has follows from its `type`."""


@dataclass(frozen=True)
class EventType:
    """`slot` and `by`: frames with the same slot and the same field `by` tell of the same thing,
    so that of those which wait for a slow client the newest is enough."""

    payload: type
    slot: str
    by: str


EVENTS: dict[str, EventType] = {}
"""Every frame that a socket may send, by its type. docs/realtime.md has the same table."""


def event(name: str, *, slot: str = "", by: str = "") -> Callable[[T], T]:
    """Registers a TypedDict as the payload of the frames of type `name`."""

    def register(payload: T) -> T:
        EVENTS[name] = EventType(payload, slot or name, by)
        return payload

    return register


@event("bye")
class Bye(TypedDict):
    """The server is going away; come back after `retry_ms`."""

    type: str
    retry_ms: int


@event("resync")
class Resync(TypedDict):
    """Events may have been lost on the way to this server: look again at what they tell of."""

    type: str


class FrameMessage(TypedDict):
    """The channel layer's message that brings a frame to sockets. `text` is the frame's JSON; only
    a balance has `version`, which is `[epoch, version]`, and `ops`."""

    type: Literal["frame.send"]
    text: str
    slot: str
    version: NotRequired[list[int]]
    ops: NotRequired[list[str]]


class CloseMessage(TypedDict):
    """The one that closes the person's sockets: those of a session, of a family, or all."""

    type: Literal["socket.close"]
    code: int
    session_key: str
    family: str


def as_message(frame: Frame) -> FrameMessage:
    """The channel layer's message that brings `frame` to sockets. KeyError for an unknown type."""
    kind = EVENTS[frame["type"]]
    message: FrameMessage = {
        "type": "frame.send",
        "text": json.dumps(frame),
        "slot": f"{kind.slot}:{frame[kind.by]}" if kind.by else kind.slot,
    }
    if "ops" in frame:  # a balance: absolute, versioned, and it names what it settles
        message["version"] = [frame["epoch"], frame["version"]]
        message["ops"] = list(frame["ops"])
    return message
