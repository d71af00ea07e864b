"""Counts the model's own tokens of a reply: its server's numbers, else an estimate."""

from __future__ import annotations

from chat.replies.providers.base import ReplyRequest, Usage

CHARS_PER_TOKEN = 4  # of English; a Chinese character is about one


def counted(usage: Usage, request: ReplyRequest, text: str) -> Usage:
    """`usage` with estimates where the server gave no number."""
    prompt = request.system + "".join(turn.content for turn in request.turns)
    return Usage(
        usage.prompt_tokens if usage.prompt_tokens is not None else estimate(prompt),
        usage.completion_tokens if usage.completion_tokens is not None else estimate(text),
    )


def estimate(text: str) -> int:
    """A rough count: wide characters weigh one token, others a quarter."""
    wide = sum(c > "\u2e7f" for c in text)
    return wide + -(-(len(text) - wide) // CHARS_PER_TOKEN)
