"""Channels as its documentation has it: Daphne, the pub/sub layer, AuthMiddlewareStack."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "intellispark.settings")

from typing import Any

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

settings.CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [settings.REDIS_URL], "prefix": "stock"},
    }
}


class Stock(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(f"user.{self.scope['user'].pk}", self.channel_name)
        await self.accept()
        await self.send(text_data='{"type":"hello"}')

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(f"user.{self.scope['user'].pk}", self.channel_name)

    async def frame_send(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AuthMiddlewareStack(URLRouter([path("ws/balance/", Stock.as_asgi())])),
    }
)
