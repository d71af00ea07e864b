"""Names that people choose: one way to write each, and none that passes for another."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from intellispark.text import has_visible

NAME_MAX_CHARS = 150
KEY_MAX_CHARS = 600
CLOSED_PREFIX = "deleted-"  # the name of closed accounts: see `closing.py`

_allowed = UnicodeUsernameValidator()


def normalized(name: str) -> str:
    """The name as it is stored and looked for: full-width and other forms of a letter are one."""
    return unicodedata.normalize("NFKC", name).strip()


def clean_name(name: str, *, owner: AbstractBaseUser | None = None) -> str:
    """The name, normalised, for that person or somebody new. Raises ValidationError.

    Taken is also a name that looks like another one (Unicode Technical Standard 39), so that
    nobody writes as somebody else or as the site. At most one query.
    """
    name = normalized(name)
    if len(name) > NAME_MAX_CHARS:
        sentence = _("At most %(max)d characters.") % {"max": NAME_MAX_CHARS}
        raise ValidationError(sentence, code="max_length")
    if "@" in name:  # it would look like somebody's e-mail address
        raise ValidationError(_("A username cannot contain @."), code="at")
    _allowed(name)
    if not has_visible(name):
        raise ValidationError(_("Use at least one visible character."), code="invisible")
    if name.lower().startswith(CLOSED_PREFIX) or name_key(name) in _reserved_keys():
        raise ValidationError(_("That username is reserved."), code="username_blacklisted")
    refuse_taken(name, owner=owner)
    return name


def refuse_taken(name: str, *, owner: AbstractBaseUser | None = None) -> None:
    """Raises ValidationError where another account has that name or one that looks like it."""
    people = get_user_model().objects
    others = people.exclude(pk=owner.pk) if owner else people
    found = others.filter(name_key=name_key(name)).values_list("username", flat=True).first()
    if found is None:
        return
    if found.lower() == name.lower():
        raise ValidationError(_("That username is taken."), code="username_taken")
    raise ValidationError(_("That username looks like one that is taken."), code="username_similar")


def name_key(name: str) -> str:
    """The same for names that look alike, in whatever case: unique among accounts.

    The skeleton of Unicode Technical Standard 39, over case-folded letters. `i` and `l` count as
    one, because a capital I looks like a small l.
    """
    folded = unicodedata.normalize("NFD", normalized(name).casefold())
    skeleton = "".join(_prototypes().get(char, char) for char in folded)
    key = unicodedata.normalize("NFD", skeleton).casefold().replace("i", "l")
    return key if len(key) <= KEY_MAX_CHARS else sha256(key.encode()).hexdigest()


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # takes none as the program runs
    """`name_key` of the row's name, whoever writes the row."""

    def pre_save(self, model_instance: Any, add: bool) -> str:  # a User, whose module imports this
        key = name_key(model_instance.username)
        setattr(model_instance, self.attname, key)
        return key


@cache
def _reserved_keys() -> set[str]:
    return {name_key(name) for name in settings.ACCOUNT_USERNAME_BLACKLIST}


@cache
def _prototypes() -> dict[str, str]:
    """What each character of Unicode's list of confusables is taken for.

    The package lists pairs; the character that most others look like stands for its group.
    """
    from confusable_homoglyphs.confusables import confusables_data  # half a second of JSON

    alike: dict[str, set[str]] = defaultdict(set)
    for char, others in confusables_data.items():
        for other in others:
            alike[char].add(other["c"])
            alike[other["c"]].add(char)
    found: dict[str, str] = {}
    for char in sorted(alike, key=lambda char: (-len(alike[char]), char)):
        for other in (char, *alike[char]):
            found.setdefault(other, char)
    return found
