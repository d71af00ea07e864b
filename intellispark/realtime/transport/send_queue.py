"""What still has to be told to one client: never more than it can read, and never an old number.

Frames that say the newest about one thing share a slot. While a client reads, a frame goes straight
out; when it has had its share for this second, or does not read, the slots keep the newest frame
of each thing, with the `ops` of those that it replaced, and nothing grows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from django.conf import settings

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.events import FrameMessage
from intellispark.realtime.transport.connections import Connection

# At most 20 frames in any second: a burst (one commit may tell of several things), then a stream.
BURST = 4
FRAMES_PER_SEC = 16
SLOTS = 64  # things that may wait; a client this far behind had better begin again
OPS = 64


class SendQueue:
    """Of one socket; on its loop. `gave_up` is called with a close code, at most once."""

    __slots__ = ("_at", "_connection", "_gave_up", "_loop", "_share", "_stall", "_started", "_timer", "_waiting")  # fmt: skip  # noqa: E501

    def __init__(self, connection: Connection, gave_up: Callable[[CloseCode], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._gave_up = gave_up
        self._waiting: dict[str, FrameMessage] = {}
        self._share = float(BURST)
        self._at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._started = False
        connection.open(self._paused, self._resumed)

    def start(self, message: FrameMessage) -> None:
        """Send the first frame, then what came meanwhile and is newer."""
        self._started = True
        earlier = self._waiting.get(message["slot"])
        if earlier and earlier["version"] <= message["version"]:
            del self._waiting[message["slot"]]
        self._connection.send(message["text"])
        self._flush()

    def offer(self, message: FrameMessage) -> None:
        """A frame: its JSON as `text`, its `slot`, and in a versioned slot `version` and `ops`."""
        if self._started and not self._waiting and self._connection.writable and self._may_send():
            self._connection.send(message["text"])
            return
        slot = message["slot"]
        self._waiting[slot] = _merged(self._waiting.get(slot), message)
        if len(self._waiting) > SLOTS:
            self.stop()
            self._gave_up(CloseCode.RESYNC)
        else:
            self._flush()

    def stop(self) -> None:
        """Forget what waits."""
        self._started = False
        self._waiting.clear()
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()

    def _may_send(self) -> bool:
        now = self._loop.time()
        self._share = min(BURST, self._share + (now - self._at) * FRAMES_PER_SEC)
        self._at = now
        if self._share < 1:
            return False
        self._share -= 1
        return True

    def _flush(self) -> None:
        """Send what may be sent now, and come back for the rest."""
        if not self._started or self._timer is not None:
            return
        while self._waiting and self._connection.writable:
            if not self._may_send():
                self._timer = self._loop.call_later((1 - self._share) / FRAMES_PER_SEC, self._tick)
                return
            self._connection.send(self._waiting.pop(next(iter(self._waiting)))["text"])

    def _tick(self) -> None:
        self._timer = None
        self._flush()

    def _paused(self) -> None:
        if self._stall is None:
            self._stall = self._loop.call_later(settings.SOCKET_STALL_SECS, self._stalled)

    def _resumed(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        # Not from here: Twisted is in the middle of its write.
        self._loop.call_soon(self._flush)

    def _stalled(self) -> None:
        self.stop()
        self._gave_up(CloseCode.TOO_SLOW)


def _merged(earlier: FrameMessage | None, later: FrameMessage) -> FrameMessage:
    """The newer of the two; in a versioned slot with the `ops` of both."""
    if earlier is None or "version" not in later:
        return later
    newer = later if later["version"] >= earlier["version"] else earlier
    ops = list(dict.fromkeys([*earlier["ops"], *later["ops"]]))[-OPS:]
    if ops == newer["ops"]:
        return newer
    return {**newer, "ops": ops, "text": json.dumps({**json.loads(newer["text"]), "ops": ops})}
