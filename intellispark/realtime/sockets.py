"""The socket of one person: server to client only, JSON text frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol
from uuid import UUID

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError

from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.events import CloseMessage, Frame, FrameMessage, as_message
from intellispark.realtime.hub import hub
from intellispark.realtime.identity import Identity, Scope, SocketRefused
from intellispark.realtime.publish import user_group
from intellispark.realtime.transport.connections import EXTENSION, AsgiConnection, AsgiMessage
from intellispark.realtime.transport.layer import DirectChannelLayer
from intellispark.realtime.transport.send_queue import SendQueue

logger = structlog.get_logger(__name__)


class FirstFrame(Protocol):
    async def __call__(self, user_id: UUID, /) -> Frame: ...


class UserSocket(AsyncWebsocketConsumer):
    """Joins the person's group, sends its first frame, then every frame published for them.

    Refusals are accepted first: a close before that reaches the browser without its code.
    """

    first_frame: ClassVar[FirstFrame]
    """The frame that a connection of that person starts with."""

    authenticate: ClassVar[staticmethod[[Scope], Awaitable[Identity]]]
    """Says whose the connection of an ASGI scope is. Raises SocketRefused."""

    identity: Identity
    group = ""
    closed = False
    ending: asyncio.TimerHandle | None = None

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[AsgiMessage]],
        send: Callable[[AsgiMessage], Awaitable[None]],
    ) -> None:
        """Replaces Channels' own loop, which takes a queue, two tasks and a thread hop a message:
        the layer hands messages over directly."""
        layer: DirectChannelLayer = get_channel_layer()
        self.scope, self.base_send, self.channel_layer = scope, send, layer
        self.channel_name = await layer.new_channel()
        layer.attach(self.channel_name, self.on_message)
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            layer.detach(self.channel_name)
            await self.leave()

    async def dispatch(self, message: AsgiMessage) -> None:
        """Without Channels' closing of database connections: no handler of ours opens one."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        protocols = self.scope.get("subprotocols") or []
        await self.accept(subprotocol="bearer" if protocols[:1] == ["bearer"] else None)
        self.connection = self.scope.get("extensions", {}).get(EXTENSION) or AsgiConnection(
            self.base_send
        )
        self.send_queue = SendQueue(self.connection, self.close_with)
        try:
            await self._begin()
        except SocketRefused as refused:
            self.close_with(refused.code)
        except (InterfaceError, OperationalError) as error:
            logger.warning("socket.unavailable", error=repr(error))
            self.close_with(CloseCode.UNAVAILABLE)

    async def _begin(self) -> None:
        """Find out whose it is, join their group, and send the first frame. Raises SocketRefused,
        and what the database raises."""
        try:
            self.identity = await type(self).authenticate(self.scope)
        finally:
            self.scope["headers"].clear()  # kilobytes for as long as the page is open
        if code := hub.join(self):
            raise SocketRefused(code)
        if self.identity.expires:
            left = max(0, self.identity.expires - time.time())
            self.ending = asyncio.get_running_loop().call_later(
                left, self.close_with, CloseCode.SIGNED_OUT
            )
        # The group first, then the snapshot: what is published in between waits in the queue.
        self.group = user_group(self.identity.user_id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        frame = await type(self).first_frame(self.identity.user_id)
        if not self.closed:
            self.send_queue.start(as_message(frame))

    async def websocket_disconnect(self, message: AsgiMessage) -> None:
        await self.leave()
        raise StopConsumer

    async def leave(self) -> None:
        self._stop()
        if self.group:
            group, self.group = self.group, ""
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Clients have nothing to say here; what they send is dropped."""

    def send_frame(self, message: FrameMessage) -> None:
        """A frame, as `as_message` makes it."""
        if not self.closed:
            self.send_queue.offer(message)

    def close_with(self, code: int, last: FrameMessage | None = None) -> None:
        """Close it, whatever still waits to be sent; with a last frame for a client that reads."""
        if not self.closed:
            self._stop()
            if last is not None and self.connection.writable:
                self.connection.send(last["text"])
            self.connection.close(code)

    def _stop(self) -> None:
        self.closed = True
        hub.leave(self)
        if hasattr(self, "send_queue"):
            self.send_queue.stop()
        if self.ending is not None:
            self.ending.cancel()

    def on_message(self, message: FrameMessage | CloseMessage) -> None:
        """What the person's group is told: a frame, or to close."""
        if message["type"] == "frame.send":
            self.send_frame(message)
        elif hasattr(self, "identity") and self.identity.is_meant(
            session_key=message["session_key"], family=message["family"]
        ):
            self.close_with(message["code"])
