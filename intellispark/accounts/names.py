"""Names that people choose: one way to write each, and none that passes for another."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from intellispark.text import IGNORABLE, has_visible

NAME_MAX_CHARS = 150
KEY_MAX_CHARS = 600
CLOSED_PREFIX = "deleted-"  # the name of closed accounts: see `closing.py`

_allowed = UnicodeUsernameValidator()


def normalized(name: str) -> str:
    """The name as it is stored and looked for: full-width and other forms of a letter are one."""
    return unicodedata.normalize("NFKC", name).strip()


def clean_name(name: str, *, owner: AbstractBaseUser | None = None) -> str:
    """The name, normalised, for that person or somebody new. Raises ValidationError.

    Taken is also a name that looks like another one (Unicode Technical Standard 39), as written or
    in capital or small letters, so that nobody writes as somebody else or as the site. At most one
    query.
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
    if IGNORABLE.search(name):
        raise ValidationError(_("Use visible characters only."), code="ignorable")
    if _is_reserved(name):
        raise ValidationError(_("That username is reserved."), code="username_blacklisted")
    refuse_taken(name, owner=owner)
    return name


def refuse_taken(name: str, *, owner: AbstractBaseUser | None = None) -> None:
    """Raises ValidationError where another account has that name or one that looks like it."""
    people = get_user_model().objects
    others = people.exclude(pk=owner.pk) if owner else people
    found = others.filter(name_key__in=name_keys(name)).values_list("username", flat=True).first()
    if found is None:
        return
    if found.lower() == name.lower():
        raise ValidationError(_("That username is taken."), code="username_taken")
    raise ValidationError(_("That username looks like one that is taken."), code="username_similar")


def name_keys(name: str) -> set[str]:
    """The keys of the name as written and of its capital and small letters. All must be free: some
    letters look like one Latin letter when small, and like another one when capital."""
    return {name_key(form) for form in (name, name.upper(), name.lower())}


def name_key(name: str) -> str:
    """The same for names that look alike, in whatever case: unique among accounts."""
    key = _look(name)
    return key if len(key) <= KEY_MAX_CHARS else sha256(key.encode()).hexdigest()


def _look(name: str) -> str:
    """The skeleton of Unicode Technical Standard 39, in small letters, whatever the case.

    `i` and `l` count as one, because a capital I looks like a small l. Of the form in which a
    letter is written and those of the other case, the first that looks Latin counts: a Cyrillic В
    is a B, although a small в is none.
    """
    shown = IGNORABLE.sub("", unicodedata.normalize("NFD", normalized(name)))
    latin = "".join(_seen_as(char) for char in shown).casefold()
    return unicodedata.normalize("NFD", _skeleton(latin)).casefold().replace("i", "l")


@lru_cache(maxsize=4_096)
def _seen_as(char: str) -> str:
    seen = [_skeleton(form) for form in (char, char.upper(), char.lower())]
    return next((look for look in seen if look.isascii()), seen[-1])


def _skeleton(text: str) -> str:
    return "".join(_prototypes().get(char, char) for char in text)


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # takes none as the program runs
    """`name_key` of the row's name, whoever writes the row."""

    def pre_save(self, model_instance: Any, add: bool) -> str:  # a User, whose module imports this
        key = name_key(model_instance.username)
        setattr(model_instance, self.attname, key)
        return key


def _is_reserved(name: str) -> bool:
    forms = (name, name.upper(), name.lower())
    closed = any(_look(form).startswith(_look(CLOSED_PREFIX)) for form in forms)
    return closed or not _reserved_keys().isdisjoint(name_keys(name))


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
