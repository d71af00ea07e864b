"""The channel layer: groups of sockets, reached in whatever process they are.

It is channels-redis' pub/sub layer: hosts, shards, Sentinel, serializer and encryption are from
there, as are the tables of channels and groups. Ours are four things that a page full of live
numbers needs:

* A message is handed straight to a consumer that asked for it with `attach`: no queue, no task,
  no copy. A process subscribes once to a group, and once for all its channels.
* What a process sends reaches its own sockets at once, and only the others' by way of Redis: while
  Redis is away, whoever sits on this process misses nothing.
* Redis can never make a caller wait for long: `redis_subscriber.py` listens, `redis_publisher.py`
  publishes.
* Whenever messages may have been lost, it says so: `on_loss`.

Without hosts it is the in-process layer. Delivery is at most once: the beacon finds what was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import _consistent_hash, _wrap_close, decode_hosts
from django.conf import settings

from intellispark.realtime.transport.breaker import Breaker, redis_breaker
from intellispark.realtime.transport.hosts import Host
from intellispark.realtime.transport.redis_publisher import RedisPublisher
from intellispark.realtime.transport.redis_subscriber import RedisSubscriber

Message = Mapping[str, object]
"""What is sent to a channel: JSON, of a shape that its sender and its receiver agree on."""

Handler = Callable[[Any], None]  # of what comes, which it knows


class DirectChannelLayer(RedisPubSubChannelLayer):
    """Of one process, with a `DirectLoopLayer` for each event loop that uses it.

    `hosts`, `serializer_format` and `symmetric_encryption_keys` are as channels-redis takes them;
    `capacity` is how many messages wait in a channel that nothing is attached to.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[Host] = (),
        prefix: str = "intellispark",
        capacity: int = 100,
        **serializer: object,
    ) -> None:
        super().__init__(hosts=[*hosts], prefix=prefix, capacity=capacity, **serializer)
        self.prefix = prefix
        self.origin = uuid4().hex[:16]
        self.on_loss: Callable[[], None] = lambda: None
        """Called on a loop whenever messages for it may have been lost: a Redis is back, or another
        process says that it could not publish."""
        self.loss_topic = f"{prefix}:lost"
        self._publishers = [
            self._publisher(host) for host in (decode_hosts(hosts) if hosts else ())
        ]

    def attach(self, channel: str, handler: Handler) -> None:
        """From now on `handler` is called with each message for `channel`; it must not block, nor
        change the message: others get the same one."""
        self._get_layer().channels[channel] = handler

    def detach(self, channel: str) -> None:
        self._get_layer().channels.pop(channel, None)

    def deliver(self, group: str, message: Message) -> None:
        """To the group's channels in this process, from any thread: those of the running loop at
        once, those of another in its next round. Channels whose queue is full miss it."""
        topic, running = self.group_topic(group), _running_loop()
        for loop, layer in [*self._layers.items()]:
            if topic not in layer.groups or loop.is_closed():
                continue
            if loop is running:
                layer.deliver_to_topic(topic, message)
            else:
                loop.call_soon_threadsafe(layer.deliver_to_topic, topic, message)

    def publish(self, group: str, message: Message) -> None:
        """To the group's channels in other processes, from any thread. Never raises for Redis'
        sake, and waits for it 0.2 s at most."""
        if self._publishers:
            topic = self.group_topic(group)
            shard = self._publishers[_consistent_hash(topic, len(self._publishers))]
            shard.publish(topic, self.serialize(self.envelope(group, message)))

    def report_lost(self) -> None:
        """Tell the other processes that they missed something, if they did. May wait for Redis."""
        for publisher in self._publishers:
            publisher.report_lost()

    def envelope(self, name: str, message: Message) -> list[object]:
        """What goes through Redis: who sent it, to which group or channel, and the message."""
        return [self.origin, name, message]

    def group_topic(self, group: str) -> str:
        """The Redis channel of a group."""
        return f"{self.prefix}:group:{group}"

    def channel_topic(self, channel: str) -> str:
        """The Redis channel of all channels of a process, so that a socket costs Redis nothing."""
        return f"{self.prefix}:channel:{channel.partition('!')[0]}"

    def _publisher(self, host: Host) -> RedisPublisher:
        shared = host.get("address") == settings.REDIS_URL  # with rate limits
        return RedisPublisher(
            host,
            breaker=redis_breaker if shared else Breaker(),
            loss_notice=(self.loss_topic, self.serialize(self.envelope("", {}))),
        )

    def _get_layer(self) -> DirectLoopLayer:
        loop = asyncio.get_running_loop()
        layer: DirectLoopLayer | None = self._layers.get(loop)
        if layer is None:
            layer = self._layers[loop] = DirectLoopLayer(channel_layer=self, **self._kwargs)
            _wrap_close(self, loop)
        return layer


class DirectLoopLayer(RedisPubSubLoopLayer, BaseChannelLayer):
    """Channels and groups of one event loop: `channels` has a handler or a queue of serialized
    messages for each channel, `groups` the channels of each Redis channel."""

    def __init__(
        self, *, channel_layer: DirectChannelLayer, hosts: list[Host], prefix: str, capacity: int
    ) -> None:
        super().__init__(prefix=prefix, channel_layer=channel_layer)
        BaseChannelLayer.__init__(self, capacity=capacity)
        self._shards: list[Loopback | RedisSubscriber] = [Loopback(self)]
        if hosts:
            self._shards = [RedisSubscriber(host, self) for host in decode_hosts(hosts)]

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A name for one consumer of this process. Everything before the `!` is the process."""
        channel = f"{prefix.rstrip('.')}.{self.channel_layer.origin}!{uuid4().hex}"
        await self._subscribe_to_channel(channel)
        return channel

    async def send(self, channel: str, message: Message) -> None:
        """To one channel, of this process or another: by way of Redis if there is one. Raises
        ChannelFull in the in-process layer."""
        self.require_valid_channel_name(channel)
        topic = self.channel_layer.channel_topic(channel)
        await super().send(topic, self.channel_layer.envelope(channel, message))

    async def group_send(self, group: str, message: Message) -> None:
        """To every channel of the group; those whose queue is full miss it."""
        self.require_valid_group_name(group)
        self.channel_layer.deliver(group, message)
        await super().group_send(group, self.channel_layer.envelope(group, message))

    def deliver_to_topic(self, topic: str, message: Message) -> None:
        """To the group's channels on this loop, which is the running one."""
        for channel in [*self.groups.get(topic, ())]:
            try:
                self._put(channel, message)
            except ChannelFull:
                continue

    def on_published(self, topic: str, payload: bytes) -> None:
        """What some process has published: for a group, for a channel of ours, or that it lost
        messages. Raises ChannelFull."""
        origin, name, message = self.channel_layer.deserialize(payload)
        ours = origin == self.channel_layer.origin
        if topic in self.groups:
            if not ours:  # ours was delivered as it was sent
                self.deliver_to_topic(topic, message)
        elif topic == self.channel_layer.loss_topic:
            if not ours:
                self.channel_layer.on_loss()
        elif name in self.channels:
            self._put(name, message)

    def _put(self, channel: str, message: Message) -> None:
        receiver = self.channels.get(channel)
        if receiver is None:  # nothing is attached any more, and nobody has received since
            receiver = self._queue(channel)
        if not isinstance(receiver, asyncio.Queue):
            receiver(message)
            return
        try:
            receiver.put_nowait(self.channel_layer.serialize(message))
        except asyncio.QueueFull:
            raise ChannelFull(channel) from None

    def _queue(self, channel: str) -> asyncio.Queue[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(self.get_capacity(channel))
        self.channels[channel] = queue
        return queue

    async def _subscribe_to_channel(self, channel: str) -> None:
        self.require_valid_channel_name(channel)
        self._queue(channel)
        topic = self.channel_layer.channel_topic(channel)
        await self._get_shard(topic).subscribe(topic)

    def _get_group_channel_name(self, group: str) -> str:
        self.require_valid_group_name(group)
        return str(self.channel_layer.group_topic(group))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Loopback:
    """The shard of the in-process layer: what is published comes straight back."""

    def __init__(self, layer: DirectLoopLayer) -> None:
        self._layer = layer

    async def publish(self, channel: str, message: bytes) -> None:
        self._layer.on_published(channel, message)

    async def subscribe(self, channel: str) -> None: ...
    async def unsubscribe(self, channel: str) -> None: ...
    async def flush(self) -> None: ...
