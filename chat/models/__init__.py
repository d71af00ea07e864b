from chat.models.character import Category, Character, CharacterText
from chat.models.chat import Chat
from chat.models.generation import Generation
from chat.models.message import Message

__all__ = ["Category", "Character", "CharacterText", "Chat", "Generation", "Message"]
