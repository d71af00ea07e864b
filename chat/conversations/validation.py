"""Checks what people type before it is stored."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from chat.conversations.models.message import MESSAGE_MAX_CHARS
from intellispark.api.errors import Invalid
from intellispark.text import has_visible, one_line

# NUL, which PostgreSQL cannot store, and halves of surrogate pairs, which UTF-8 cannot encode.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# The same rules for the OpenAPI schema: at least one character that is not a space, and no NUL.
PATTERN = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


def clean_text(value: object, *, field: str, max_chars: int = MESSAGE_MAX_CHARS) -> str:
    """The text without surrounding space, 1 to `max_chars` characters. Raises Invalid."""
    if not isinstance(value, str):
        raise Invalid.field(field, _("This must be text."))
    if UNSTORABLE.search(value):
        raise Invalid.field(field, _("This contains characters that cannot be stored."))
    text = value.strip()
    if not text:
        raise Invalid.field(field, _("Write something first."))
    if len(text) > max_chars:
        raise Invalid.field(field, _("At most %(max)d characters.") % {"max": max_chars})
    return text


def clean_title(value: object, *, field: str, max_chars: int) -> str:
    """The same for a title: one line that reads as it is stored, with something to be seen."""
    title = one_line(clean_text(value, field=field, max_chars=max_chars))
    if not has_visible(title):
        raise Invalid.field(field, _("Write something first."))
    return title
