"""What must hold before anything is served."""

from __future__ import annotations

from channels.layers import get_channel_layer
from django.core.checks import CheckMessage, Error, register

from intellispark.realtime.transport.layer import DirectChannelLayer


@register("channels")
def channel_layer(**options: object) -> list[CheckMessage]:
    """Sockets are handed their messages by calls that other layers do not have."""
    if isinstance(get_channel_layer(), DirectChannelLayer):
        return []
    name = f"{DirectChannelLayer.__module__}.{DirectChannelLayer.__qualname__}"
    return [
        Error(
            "The default channel layer is not one that sockets can use.",
            hint=f'Set BACKEND in CHANNEL_LAYERS["default"] to {name} or a subclass of it.',
            id="realtime.E001",
        )
    ]
