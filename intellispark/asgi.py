"""The ASGI application: pages and API over HTTP, the balance over WebSocket."""

import os
from collections.abc import Awaitable, Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "intellispark.settings")
django.setup(set_prefix=False)

import structlog  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from intellispark.http_handler import HTTPHandler  # noqa: E402
from intellispark.realtime.transport.connections import AsgiMessage  # noqa: E402
from intellispark.single_process import claim_database  # noqa: E402
from payments.live.socket import BalanceSocket  # noqa: E402

for doubt in settings.DOUBTS:
    structlog.get_logger(__name__).warning("settings.doubtful", doubt=doubt)


async def nowhere(
    scope: object,
    receive: Callable[[], Awaitable[object]],
    send: Callable[[AsgiMessage], Awaitable[None]],
) -> None:
    """Refuse the handshake of a socket whose path we do not serve."""
    await receive()
    await send({"type": "websocket.close"})


http = HTTPHandler()
claim_database()
get_channel_layer()  # now: two threads that call it first at the same moment would make two
application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [path("ws/balance/", BalanceSocket.as_asgi()), re_path(r"", nowhere)]  # type: ignore[arg-type]  # an application, not a view
        ),
    }
)
