"""Who is at the other end of a socket. How they prove it is the business of `accounts.sockets`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from intellispark.realtime.close_codes import CloseCode

Scope = dict[str, Any]
"""Of one ASGI connection: what the server and the middleware say of it."""


class SocketRefused(Exception):
    """The socket may not be. `code` is the close code that says why."""

    def __init__(self, code: CloseCode) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Identity:
    """The person, and the credential they came with: a session's key, or a token family's id and
    the Unix time in seconds at which the token ends."""

    user_id: UUID
    session_key: str = ""
    family: str = ""
    expires: int = 0

    def is_meant(self, *, session_key: str, family: str) -> bool:
        """Whether a message for that session or family is for us; for all, when it names none."""
        if session_key or family:
            return (session_key, family) == (self.session_key, self.family)
        return True
