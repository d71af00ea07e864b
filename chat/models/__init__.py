"""Where Django looks for this app's models. Code in `chat` imports them from their rooms."""

from chat.characters.models import Category, Character, CharacterText
from chat.conversations.models import Chat, Message
from chat.replies.models import Generation

__all__ = ["Category", "Character", "CharacterText", "Chat", "Generation", "Message"]
