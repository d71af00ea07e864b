"""Arranges the conversation so that every chat template accepts it."""

from __future__ import annotations

from chat.replies.providers.base import Turn

# Templates that demand user/assistant/user refuse a conversation that opens with a greeting.
BEFORE_GREETING = "(The conversation begins.)"


def chat_messages(
    *, system: str, turns: list[Turn], system_apart: bool = True
) -> list[dict[str, str]]:
    """One system message first, then strictly alternating turns that begin with the user's.

    With `system_apart` off the system's text begins the first turn, for templates without the role.
    """
    messages = [{"role": turn.role, "content": turn.content} for turn in alternating(turns)]
    if system and system_apart:
        return [{"role": "system", "content": system}, *messages]
    if system and messages:
        messages[0]["content"] = f"{system}\n\n{messages[0]['content']}"
    return messages


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


def without_oldest(turns: list[Turn]) -> list[Turn]:
    """The newest turns, at most two thirds of the text, beginning with the user's; at least the
    last one, which may be all there was."""
    room = sum(len(turn.content) for turn in turns) * 2 // 3
    kept = turns[-1:]
    room -= len(turns[-1].content)
    for turn in reversed(turns[1:-1]):
        room -= len(turn.content)
        if room < 0:
            break
        kept.insert(0, turn)
    while kept[0].role == "assistant" and len(kept) > 1:
        kept.pop(0)
    return kept
