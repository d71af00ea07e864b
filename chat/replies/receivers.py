"""What chat does on signals of other apps."""

from __future__ import annotations

from django.dispatch import receiver

from chat.characters.deletion import leave_characters
from chat.replies.deletion import delete_chats
from chat.replies.suspension import interrupt_replies
from intellispark.accounts.models import User
from intellispark.accounts.signals import account_closed, account_suspended


@receiver(account_closed)
def delete_their_chats(user: User, **kwargs: object) -> None:
    """Delete the chats of a person who closes their account, and what nobody else may see."""
    delete_chats(user=user)
    leave_characters(user=user)


@receiver(account_suspended)
def interrupt_their_replies(user: User, **kwargs: object) -> None:
    """Stop what is being written for a person who is suspended; nothing of it is charged."""
    interrupt_replies(user=user)
