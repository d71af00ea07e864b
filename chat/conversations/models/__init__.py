from chat.conversations.models.chat import Chat
from chat.conversations.models.message import MESSAGE_MAX_CHARS, Message

__all__ = ["MESSAGE_MAX_CHARS", "Chat", "Message"]
