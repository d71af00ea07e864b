"""What becomes of somebody's characters when they go."""

from __future__ import annotations

from chat.characters.models import Character
from intellispark.accounts.models import User


def leave_characters(*, user: User) -> None:
    """Private ones are deleted; public ones, and those that others have chats with, lose their
    owner. In the caller's transaction, after the person's own chats are gone."""
    private = Character.objects.filter(owner=user, is_public=False)
    private.filter(chats=None).delete()
    Character.objects.filter(owner=user).update(owner=None)
