"""What the engine asks of a provider, and what it gets: text, signs of life, a count of tokens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True)
class Turn:
    """One message of the conversation, as the model is to see it."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class ReplyRequest:
    """All that a provider needs, read beforehand: providers never touch the database.

    `turns` ends with the user's message. `script` are the character's demo replies in `language`,
    `turn_number` counts the replies before this one, the opening line left out.
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
    """What the model counted. The last one wins."""

    prompt_tokens: int | None
    completion_tokens: int | None


Event = Delta | Thinking | Usage


class Provider(Protocol):
    """Ends its stream normally when the reply is whole; raises a `chat.errors.ReplyError` if not.

    Closing the generator (which the engine does on Stop) must close what stands behind it.
    """

    @property
    def model(self) -> str:
        """The model's name, as receipts and pages show it."""

    @property
    def price_tokens(self) -> int:
        """What one reply costs; 0 is free."""

    def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]: ...
