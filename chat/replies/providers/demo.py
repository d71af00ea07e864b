"""Scripted replies at a reading pace, without key or network. Pages say that it is a demo."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from django.conf import settings
from django.utils.translation import gettext, override

from chat.replies.providers.base import Delta, Event, ReplyRequest

QUOTE_MAX_CHARS = 60
# A word with the space before it; of Chinese, Japanese and Korean writing two characters.
PIECE = re.compile(
    r"\s*(?:[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef\u3000-\u303f]{1,2}"
    r"|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef\u3000-\u303f]+)|\s+"
)


class DemoProvider:
    """Gives the character's scripted replies in turn, so that none comes twice in a row."""

    model = "demo"

    @property
    def price_tokens(self) -> int:
        return settings.AI_PRICE_TOKENS

    async def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]:
        text = scripted_reply(request)
        pause = 1 / settings.AI_DEMO_WORDS_PER_SEC if settings.AI_DEMO_WORDS_PER_SEC else 0
        for piece in PIECE.findall(text):
            await asyncio.sleep(pause)
            yield Delta(piece)

    async def close(self) -> None:
        """It keeps nothing."""


def scripted_reply(request: ReplyRequest) -> str:
    """The script's next reply, with `{said}` replaced by a short quote of the user's message."""
    script = request.script or _any_script(request.language)
    reply = script[request.turn_number % len(script)]
    said = next((turn.content for turn in reversed(request.turns) if turn.role == "user"), "")
    return reply.replace("{said}", quote(said) or "…")


def quote(said: str) -> str:
    """The start of the message, on one line and without Markdown marks."""
    plain = " ".join(re.sub(r"[*_`~#>|\[\]<>\\]", "", said).split())
    if len(plain) <= QUOTE_MAX_CHARS:
        return plain.rstrip(" .。") or plain  # the script has its own full stop
    return plain[:QUOTE_MAX_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:，。；：") + "…"


def _any_script(language: str) -> list[str]:
    with override(language):
        return [
            gettext("“{said}”: I like that. Tell me what made you think of it."),
            gettext("Let me turn that over for a moment. What would you like to happen next?"),
            gettext("There is more behind it, isn't there? Start wherever it is easiest."),
        ]
