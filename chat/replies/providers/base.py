"""The interface between `run.py` and a provider: the request, and the events that come back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from chat.errors import ReplyError


@dataclass(frozen=True)
class Turn:
    """One message of the conversation, as the model is to see it."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class ReplyRequest:
    """All that a provider needs, loaded beforehand: providers never touch the database.

    `turns` ends with the user's message. `script` has the character's demo replies in `language`.
    `turn_number` counts the pairs of a message and a reply before this one, roughly.
    """

    system: str
    turns: list[Turn]
    language: str
    script: list[str] = field(default_factory=list)
    turn_number: int = 0


@dataclass(frozen=True)
class Delta:
    """The next piece of visible text."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """The model is at work (reasoning, say) without showing any text."""


@dataclass(frozen=True)
class Usage:
    """The model's own token counts. When there are several, the last one counts."""

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True)
class Cut:
    """The reply ended at the model's length limit: whole, as far as the model is concerned."""


@dataclass(frozen=True)
class Retrying:
    """The server refused and is asked again. `error` is what that means if time runs out."""

    error: ReplyError


Event = Delta | Thinking | Usage | Cut | Retrying


class Provider(Protocol):
    """Its stream ends normally when the reply is complete, and else raises a ReplyError.

    When its generator is closed (`run.py` does that on Stop), it must close its own connection.
    """

    @property
    def model(self) -> str:
        """The model's name, as receipts and pages show it."""

    @property
    def price_tokens(self) -> int:
        """What one reply costs; 0 is free."""

    def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]: ...

    async def close(self) -> None:
        """Let go of what is kept between replies on the running loop, which is about to end."""
