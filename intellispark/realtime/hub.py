"""The sockets that this process holds, and the loop that watches over them.

Every `settings.BEACON_SECS`, with jitter, one pass serves all sockets of the process: those whose
credential has lapsed are closed, and each of the others is told the version of its wallet, so
that a client which missed a frame asks again. Which credentials have lapsed and what a beacon says
is asked of the apps that know: they set `lapsed` and `beacons`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from prometheus_client import Gauge

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.dataloader import each_alone
from intellispark.realtime.events import Frame, FrameMessage, as_message
from intellispark.realtime.identity import Identity
from intellispark.realtime.transport.layer import DirectChannelLayer
from intellispark.threads import in_thread

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

logger = structlog.get_logger(__name__)

SOCKETS_PER_USER = 20  # of one process; docs/decisions says why not of all
# When events were lost, all pages look again: not before every process has found Redis back (a
# breaker rests for a second), and so many of them a second.
RESYNC_AFTER_SECS = 1.5
LOOKS_PER_SEC = 100
AT_ONCE = 50  # sockets served before others get their turn on the loop
# On the way out each client gets its own moment to come back: so many of them a second.
RETURNS_PER_SEC = 200
RETURN_SECS = (0.5, 20.0)
DRAIN_SECS = 2.0

open_sockets = Gauge("intellispark_sockets_open", "Balance sockets held by this process.")


class Socket(Protocol):
    identity: Identity

    def send_frame(self, message: FrameMessage) -> None: ...
    def close_with(self, code: CloseCode, last: FrameMessage | None = None) -> None: ...


class Hub:
    """Open sockets by person. All methods run on the server's loop."""

    def __init__(self) -> None:
        self.beacons: Callable[[Collection[UUID]], Mapping[UUID, Frame]] = lambda _ids: {}
        self.lapsed: Callable[[Collection[Identity]], dict[Identity, CloseCode]] = lambda _all: {}
        self._sockets: dict[UUID, set[Socket]] = {}
        self._count = 0
        self._watch: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._missed = False
        self._resyncing: asyncio.Task[None] | None = None
        self._ending = False

    def join(self, socket: Socket) -> CloseCode | None:
        """None, or the close code for a socket that may not be: one too many, or too late."""
        mine = self._sockets.setdefault(socket.identity.user_id, set())
        if self._ending or len(mine) >= SOCKETS_PER_USER:
            return CloseCode.GOING_AWAY if self._ending else CloseCode.TOO_MANY
        mine.add(socket)
        self._counted(+1)
        if not self._watch or self._watch.done() or self._watch.get_loop().is_closed():
            layer: DirectChannelLayer = get_channel_layer()
            layer.on_loss = self.wake
            self._woken, self._resyncing = asyncio.Event(), None
            self._watch = asyncio.create_task(self._watch_over())
        return None

    def leave(self, socket: Socket) -> None:
        identity = getattr(socket, "identity", None)  # none yet while it is being identified
        mine = self._sockets.get(identity.user_id, set()) if identity else set()
        if socket in mine:
            mine.remove(socket)
            self._counted(-1)
        if identity and not mine:
            self._sockets.pop(identity.user_id, None)

    def wake(self) -> None:
        """Messages may have been lost: let the next pass come at once, and pages look again."""
        self._woken.set()

    def _counted(self, change: int) -> None:
        self._count += change
        open_sockets.set(self._count)

    def _all(self) -> list[Socket]:
        return [socket for mine in self._sockets.values() for socket in mine]

    async def _watch_over(self) -> None:
        layer: DirectChannelLayer = get_channel_layer()
        while self._count:
            pause = settings.BEACON_SECS * random.uniform(0.8, 1.0)  # noqa: S311
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                pass
            if self._woken.is_set():
                self._woken.clear()
                self._missed = True
                if self._resyncing is None or self._resyncing.done():
                    self._resyncing = asyncio.create_task(self._resync())
            try:
                await self.pass_once()
                await asyncio.to_thread(layer.report_lost)
            except Exception:  # the next pass must come whatever befell this one
                logger.exception("beacon.failed")

    async def pass_once(self) -> None:
        """One beacon for all: close what has lapsed, tell the others their version. Four queries,
        however many sockets there are."""
        sockets = self._all()
        identities = {socket.identity for socket in sockets}
        gone = await _known(self.lapsed, identities)
        frames = await _known(self.beacons, {identity.user_id for identity in identities})
        for number, socket in enumerate(sockets):
            if code := gone.get(socket.identity):
                socket.close_with(code)
            elif frame := frames.get(socket.identity.user_id):
                socket.send_frame(as_message(frame))
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _resync(self) -> None:
        """A beacon finds lost balances; of other news there is no version, so pages look again.

        One round at a time: what is lost meanwhile makes one more, however often Redis comes and
        goes.
        """
        message = as_message({"type": "resync"})
        while self._missed:
            await asyncio.sleep(RESYNC_AFTER_SECS)
            self._missed = False
            for socket in self._all():
                socket.send_frame(message)
                await asyncio.sleep(1 / LOOKS_PER_SEC)

    async def drain(self) -> None:
        """Say `bye` to everybody, each with a delay of their own, and close."""
        self._ending = True
        sockets = self._all()
        least, most = RETURN_SECS
        window = min(most, max(2.0, len(sockets) / RETURNS_PER_SEC))
        for number, socket in enumerate(sockets):
            retry_ms = round(1000 * random.uniform(least, least + window))  # noqa: S311
            socket.close_with(
                CloseCode.GOING_AWAY, as_message({"type": "bye", "retry_ms": retry_ms})
            )
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        if sockets:
            await asyncio.sleep(min(DRAIN_SECS, 0.2 + len(sockets) / 1000))


async def _known(ask: Callable[[Collection[K]], Mapping[K, V]], keys: Collection[K]) -> dict[K, V]:
    """The answers to those keys that have one. A key that cannot be asked for fails alone, and is
    logged: the others' beacons come."""

    def work(some: list[K]) -> dict[K, V | None]:
        found = ask(some)
        return {key: found.get(key) for key in some}

    answers = await in_thread(each_alone)(work, keys)
    failed = [answer for answer in answers.values() if isinstance(answer, Exception)]
    if failed:
        logger.error("beacon.failed", keys=len(failed), of=len(keys), exc_info=failed[0])
    return {
        key: answer
        for key, answer in answers.items()
        if answer is not None and not isinstance(answer, Exception)
    }


hub = Hub()
