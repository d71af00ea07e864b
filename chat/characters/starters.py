"""Loads the starter characters from `chat/starter/characters/*.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import Model

from chat.characters.categories import CATEGORIES
from chat.characters.models import Category, Character, CharacterText

M = TypeVar("M", bound=Model)

FOLDER = Path(__file__).parents[1] / "starter" / "characters"


def load_starters(folder: Path = FOLDER) -> list[str]:
    """The slugs of the starters that were made or changed; empty when all were up to date.

    The files win over what the database has, by slug. Characters that people made, and starters
    whose file is gone, stay as they are.
    """
    with transaction.atomic():
        for position, (slug, name) in enumerate(CATEGORIES.items()):
            _keep(Category, {"slug": slug}, {"name": name, "position": position})
        files = sorted(folder.glob("*.json"))
        return [slug for slug in map(_load, files) if slug]


def _load(path: Path) -> str | None:
    """The character's slug if anything about it changed."""
    data = json.loads(path.read_text(encoding="utf-8"))
    slug = data["slug"]
    character, changed = _keep(
        Character,
        {"slug": slug},
        {
            "position": data["position"],
            "accent": data["accent"],
            "avatar": f"chat/avatars/{slug}.svg",
            "demo_replies": data["demo"],
        },
    )
    for language, text in data["texts"].items():
        changed |= _keep(CharacterText, {"character": character, "language": language}, text)[1]
    if set(data["categories"]) != {category.pk for category in character.categories.all()}:
        character.categories.set(data["categories"])
        changed = True
    return slug if changed else None


def _keep(model: type[M], key: dict[str, object], values: dict[str, object]) -> tuple[M, bool]:
    """The row of that key with those values, and whether it had to be made or changed."""
    row = model._default_manager.filter(**key).first() or model(**key)
    different = [name for name, value in values.items() if getattr(row, name) != value]
    if row._state.adding or different:
        for name in different:
            setattr(row, name, values[name])
        row.save()
        return row, True
    return row, False
