"""A scripted provider in place of a model, and one call for a reply in each form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chat.conversations.chats import create_chat
from chat.models import Character, Chat
from intellispark.accounts.models import User
from tests.support.factories import make_character, make_user
from tests.support.scripted import DOTTED_PATH, Script
from tests.support.scripted import script as the_script


@pytest.fixture
def script(settings: Settings) -> Iterator[Script]:
    """Replies are what this script says; by default “Hello there.”."""
    settings.AI_PROVIDERS = {"scripted": DOTTED_PATH}
    settings.AI_PROVIDER = "scripted"
    the_script.reset()
    yield the_script
    the_script.reset()


@pytest.fixture
def character(db: Any) -> Character:
    return make_character()


@pytest.fixture
def owner(db: Any) -> User:
    """The person whose chat it is, with three tokens."""
    return make_user("owner", tokens=3)


@pytest.fixture
def chat(owner: User, character: Character) -> Chat:
    return create_chat(user=owner, character_id=character.pk)
