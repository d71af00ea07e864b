"""Columns of characters that have a shape. It is checked when a form saves it; what a row holds all
the same, or a file that is gone since, cannot break the pages that show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeGuard

import structlog
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from intellispark.text import StrOrPromise

logger = structlog.get_logger(__name__)

PICTURE = re.compile(r"[\w-]+(/[\w-][\w.-]*)*\.(svg|png|jpe?g|webp|avif)", re.ASCII)
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


Lines = list[str]
Script = dict[str, Lines]


class ShapedJSONField(models.JSONField):
    """JSON of one shape; what a row holds in another one is read as empty."""

    sentence: StrOrPromise = ""
    empty_values: list[object] = []  # an empty value of the wrong shape is checked too

    def has_shape(self, value: object) -> TypeGuard[Lines | Script]:
        raise NotImplementedError

    def clean(self, value: object, model_instance: models.Model | None) -> object:
        """What is left empty in a form is the column's own empty value."""
        cleaned: object = super().clean(
            self.get_default() if value is None else value, model_instance
        )
        return cleaned

    def validate(self, value: object, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if not self.has_shape(value):
            raise ValidationError(self.sentence)

    def from_db_value(
        self, value: str | None, expression: models.Expression, connection: BaseDatabaseWrapper
    ) -> Lines | Script:
        found: object = super().from_db_value(value, expression, connection)
        if self.has_shape(found):
            return found
        logger.warning("character.misshapen", column=self.name)
        empty: Lines | Script = self.get_default()
        return empty

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        """For migrations it is Django's: the column is the same."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class LinesField(ShapedJSONField):
    """A list of texts."""

    sentence = _('Write a list of texts: ["One.", "Another."]')

    def has_shape(self, value: object) -> TypeGuard[Lines | Script]:
        return isinstance(value, list) and all(isinstance(line, str) for line in value)


class ScriptField(ShapedJSONField):
    """For each language a list of texts."""

    sentence = _("Write a list of texts for each language, by the language's code.")

    def has_shape(self, value: object) -> TypeGuard[Lines | Script]:
        return isinstance(value, dict) and all(
            isinstance(lines, list) and all(isinstance(line, str) for line in lines)
            for lines in value.values()
        )


def check_avatar(path: str) -> None:
    """Raises ValidationError unless a static file of that name is a picture that we have."""
    if not PICTURE.fullmatch(path):
        raise ValidationError(_("Name a picture among the static files: chat/avatars/mira.svg"))
    if not finders.find(path) and not staticfiles_storage.exists(path):
        raise ValidationError(_("There is no such static file."))


def check_accent(colour: str) -> None:
    """Raises ValidationError unless it is a colour as `#6c675d`."""
    if not COLOUR.fullmatch(colour):
        raise ValidationError(_("Write a colour as #6c675d."))


def avatar_url(path: str) -> str:
    """The picture's address; empty where there is none, and a page then shows the first letter."""
    if not path:
        return ""
    try:
        return static(path)
    except (ValueError, SuspiciousFileOperation) as error:  # not among the hashed files
        logger.warning("avatar.missing", path=path, error=repr(error))
        return ""
