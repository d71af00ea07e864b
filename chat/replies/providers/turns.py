"""Arranges the conversation so that every chat template accepts it."""

from __future__ import annotations

from chat.replies.providers.base import ReplyRequest, Turn

# Templates that demand user/assistant/user refuse a conversation that opens with a greeting.
BEFORE_GREETING = "(The conversation begins.)"


def chat_messages(request: ReplyRequest) -> list[dict[str, str]]:
    """One system message first, then strictly alternating turns that begin with the user's."""
    messages = [{"role": "system", "content": request.system}] if request.system else []
    return messages + [
        {"role": turn.role, "content": turn.content} for turn in alternating(request.turns)
    ]


def alternating(turns: list[Turn]) -> list[Turn]:
    """The turns, with neighbours of one role merged and a user's turn put before a greeting."""
    merged: list[Turn] = []
    if turns and turns[0].role == "assistant":
        merged.append(Turn("user", BEFORE_GREETING))
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, f"{merged[-1].content}\n\n{turn.content}")
        else:
            merged.append(turn)
    return merged
