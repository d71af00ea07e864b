"""What chat does on signals of other apps."""

from __future__ import annotations

from django.dispatch import receiver

from chat.characters.deletion import leave_characters
from chat.replies.deletion import delete_chats
from intellispark.accounts.models import User
from intellispark.accounts.signals import account_closed


@receiver(account_closed)
def delete_their_chats(user: User, **kwargs: object) -> None:
    """Delete the chats of a person who closes their account, and what nobody else may see."""
    delete_chats(user=user)
    leave_characters(user=user)
