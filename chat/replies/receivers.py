"""What chat does when something happens elsewhere."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from chat.replies.deletion import delete_chats
from intellispark.accounts.models import User
from intellispark.accounts.signals import account_closed


@receiver(account_closed)
def delete_what_was_said(user: User, **kwargs: Any) -> None:
    """Who closes their account takes their chats with them."""
    delete_chats(user=user)
