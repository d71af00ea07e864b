"""Builds the request to the model: the character's prompt, the language, and the messages."""

from __future__ import annotations

from chat.conversations.models import Message
from chat.replies.models import Generation
from chat.replies.providers.base import ReplyRequest, Turn

HISTORY_MAX_MESSAGES = 40
HISTORY_MAX_CHARS = 24_000

LANGUAGES = {"en": "English", "zh-hans": "Simplified Chinese"}
BROKEN_OFF = (Message.Status.FAILED, Message.Status.INTERRUPTED)


def build_request(generation: Generation) -> ReplyRequest:
    """The request of that generation: bounded messages, the last one being the one it answers.

    One query, for the messages, where the chat's character and its texts are loaded.
    """
    chat, prompt = generation.chat, generation.prompt_message
    character = chat.character
    language = generation.language
    return ReplyRequest(
        system=system_prompt(character.text(chat.language).prompt, language),
        turns=_turns(prompt),
        language=language,
        script=character.demo_replies.get(language) or character.demo_replies.get("en") or [],
        turn_number=(prompt.number - 1) // 2,
    )


def system_prompt(prompt: str, language: str) -> str:
    """The character's prompt, then the language: models obey most what comes last."""
    answer_in = f"Always answer in {LANGUAGES.get(language, language)}."
    return f"{prompt}\n\n{answer_in}".strip()


def _turns(prompt: Message) -> list[Turn]:
    """The newest messages that fit, oldest first; the prompt is always among them.

    A reply that broke off is left out when the same message has a later one: the model should not
    read both.
    """
    newest = prompt.chat.messages.filter(number__lte=prompt.number).exclude(content="")
    newest = newest.only("chat", "role", "content", "status", "parent")
    messages = list(newest.order_by("-number")[:HISTORY_MAX_MESSAGES])
    answered = {m.parent_id for m in messages if m.parent_id and m.status not in BROKEN_OFF}
    turns: list[Turn] = []
    room = HISTORY_MAX_CHARS
    for message in messages:
        if message.status in BROKEN_OFF and message.parent_id in answered:
            continue
        room -= len(message.content)
        if room < 0 and turns:
            break
        turns.append(
            Turn("user" if message.role == Message.Role.USER else "assistant", message.content)
        )
    return turns[::-1]
