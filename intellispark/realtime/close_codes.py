"""Why a socket is closed. What a client does with each code: docs/realtime.md, "Who gets in"."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455, 7.4): the 4000s are for applications to define."""

    UNAVAILABLE = 1011
    """The database cannot be asked now; come back."""
    GOING_AWAY = 1012
    """The server restarts; come back. (1001 is for a page that goes away.)"""
    RESYNC = 4001
    """Too much waits for this client; a new connection begins with a snapshot."""
    TOO_SLOW = 4002
    """The client reads nothing."""
    SIGNED_OUT = 4401
    """No credential, or one that has ended."""
    REFUSED = 4403
    """Suspended, or from a page of another site."""
    TOO_MANY = 4429
    """One person has too many sockets on this process."""
