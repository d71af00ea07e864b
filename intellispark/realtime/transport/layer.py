"""The channel layer: groups of sockets, reached in whatever process they are.

It behaves as the stock layers do (`tests/realtime/test_layer.py` holds them all to the same
contract), with three differences that a page full of live numbers needs:

* One subscription per group and process, whatever the number of its sockets, and a message is
  handed straight to a consumer that asked for it with `attach`: no queue, no task, no copy.
* What a process sends reaches its own sockets at once, and only the others' by way of Redis:
  while Redis is away, whoever sits on this process misses nothing.
* Redis can never make a caller wait for long, see `subscriptions.py`.

Without `url` it is the in-process layer. Delivery is at most once: the beacon finds what was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import msgpack
from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

from intellispark.realtime.transport.subscriptions import Subscriptions

Message = dict[str, Any]
Handler = Callable[[Message], None]


class DirectLayer(BaseChannelLayer):
    """Of one process. Its methods run on an event loop, each loop with a connection of its own."""

    extensions = ["groups", "flush"]

    def __init__(self, *, url: str = "", prefix: str = "intellispark", capacity: int = 100) -> None:
        super().__init__(capacity=capacity)
        self.prefix = prefix
        self.on_return: Callable[[], None] = lambda: None
        """Called on the loop whenever Redis is back after messages may have been lost."""
        self._url = url
        self._origin = uuid4().hex[:16]
        self._handlers: dict[str, Handler] = {}
        self._queues: dict[str, asyncio.Queue[Message]] = {}
        self._groups: dict[str, dict[str, None]] = {}
        self._subscriptions: WeakKeyDictionary[asyncio.AbstractEventLoop, Subscriptions] = (
            WeakKeyDictionary()
        )

    # --- Channels ------------------------------------------------------------------------------

    async def new_channel(self, prefix: str = "specific") -> str:
        """A name for one consumer of this process. Everything before the `!` is the process."""
        channel = f"{prefix.rstrip('.')}.{self._origin}!{uuid4().hex}"
        if self._url:
            self._queue(channel)  # what comes for a channel without one is dropped
        await self._listen(channel)
        return channel

    def attach(self, channel: str, handler: Handler) -> None:
        """From now on `handler` is called with each message for `channel`; it must not block,
        nor change the message: others get the same one."""
        self._handlers[channel] = handler
        self._queues.pop(channel, None)

    def detach(self, channel: str) -> None:
        self._handlers.pop(channel, None)

    async def send(self, channel: str, message: Message) -> None:
        """To one channel, of this process or another: by way of Redis if there is one. Raises
        ChannelFull in the in-process layer."""
        self.require_valid_channel_name(channel)
        if self._url:
            payload = msgpack.packb([self._origin, channel, message])
            await self._bus().publish(self._channel_topic(channel), payload)
        else:
            self._put(channel, message)

    async def receive(self, channel: str) -> Message:
        """The next message of a channel that nothing is attached to. Who is cancelled while
        waiting gives the channel up: Channels has no other call for that."""
        self.require_valid_channel_name(channel)
        await self._listen(channel)
        try:
            return await self._queue(channel).get()
        except asyncio.CancelledError:
            self._queues.pop(channel, None)
            raise

    # --- Groups --------------------------------------------------------------------------------

    async def group_add(self, group: str, channel: str) -> None:
        """What is sent to `group` from now on reaches `channel`; waits for Redis 0.5 s at most."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        self._groups.setdefault(group, {})[channel] = None
        if self._url:
            await self._bus().add(self._topic("group", group))

    async def group_discard(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        members = self._groups.get(group, {})
        members.pop(channel, None)
        if group in self._groups and not members:
            del self._groups[group]
            if self._url:
                self._bus().remove(self._topic("group", group))

    async def group_send(self, group: str, message: Message) -> None:
        """To every channel of the group; those whose queue is full miss it."""
        self.require_valid_group_name(group)
        self.deliver(group, message)
        if self._url:
            await self._bus().publish(*self.packed(group, message))

    def packed(self, group: str, message: Message) -> tuple[str, bytes]:
        """The Redis channel and payload that bring the message to the other processes."""
        return self._topic("group", group), msgpack.packb([self._origin, group, message])

    def deliver(self, group: str, message: Message) -> None:
        """To the group's channels in this process, on their loop."""
        for channel in [*self._groups.get(group, ())]:
            try:
                self._put(channel, message)
            except ChannelFull:
                continue

    async def flush(self) -> None:
        """Forget everything, as if just made."""
        self._handlers.clear()
        self._queues.clear()
        self._groups.clear()
        for subscriptions in list(self._subscriptions.values()):
            await subscriptions.close()
        self._subscriptions.clear()

    # --- Inside --------------------------------------------------------------------------------

    def _topic(self, kind: str, name: str) -> str:
        return f"{self.prefix}:{kind}:{name}"

    def _channel_topic(self, channel: str) -> str:
        """One for all channels of a process, so that a socket costs Redis nothing."""
        return self._topic("channel", channel.partition("!")[0])

    async def _listen(self, channel: str) -> None:
        if self._url:
            await self._bus().add(self._channel_topic(channel))

    def _queue(self, channel: str) -> asyncio.Queue[Message]:
        return self._queues.setdefault(channel, asyncio.Queue(self.get_capacity(channel)))

    def _put(self, channel: str, message: Message) -> None:
        handler = self._handlers.get(channel)
        if handler is not None:
            handler(message)
            return
        try:
            self._queue(channel).put_nowait({**message})
        except asyncio.QueueFull:
            raise ChannelFull(channel) from None

    def _bus(self) -> Subscriptions:
        loop = asyncio.get_running_loop()
        found = self._subscriptions.get(loop)
        if found is None:
            found = self._subscriptions[loop] = Subscriptions(
                self._url, heard=self._heard, returned=lambda: self.on_return()
            )
        return found

    def _heard(self, topic: str, payload: bytes) -> None:
        origin, name, message = msgpack.unpackb(payload)
        if topic.startswith(f"{self.prefix}:group:"):
            if origin != self._origin:  # ours was delivered as it was sent
                self.deliver(name, message)
        elif name in self._queues or name in self._handlers:
            with contextlib.suppress(ChannelFull):
                self._put(name, message)
