"""Finds characters by an id that a client sent."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from chat.characters.models import Character
from intellispark.accounts.models import User
from intellispark.api.lookups import get_by_id


def get_character(*, user: User | AnonymousUser, character_id: UUID | str) -> Character:
    """A character that the person may see. Raises NotFound."""
    return get_by_id(Character.objects.visible_to(user).for_cards(), character_id)
