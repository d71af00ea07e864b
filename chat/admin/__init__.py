"""The admin of chat. What people said in their chats is theirs: it is not shown here."""

from chat.admin.character import CategoryAdmin, CharacterAdmin
from chat.admin.chat import ChatAdmin
from chat.admin.generation import GenerationAdmin

__all__ = ["CategoryAdmin", "CharacterAdmin", "ChatAdmin", "GenerationAdmin"]
