"""The admin of chat. It never shows what people said in their chats."""

from chat.admin.character import CategoryAdmin, CharacterAdmin
from chat.admin.chat import ChatAdmin
from chat.admin.generation import GenerationAdmin

__all__ = ["CategoryAdmin", "CharacterAdmin", "ChatAdmin", "GenerationAdmin"]
