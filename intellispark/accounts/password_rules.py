"""What Django's own rules for passwords let pass."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from intellispark.text import has_visible

LEAST_DIFFERENT = 4


class DifferentCharacters:
    """Refuses what is long but not hard to guess: one key held down, spaces, what nobody sees.

    Counted are visible characters, capital and small ones as one.
    """

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raises ValidationError."""
        different = {char for char in password.casefold() if has_visible(char)}
        if len(different) < LEAST_DIFFERENT:
            raise ValidationError(self.get_help_text(), code="password_too_uniform")

    def get_help_text(self) -> str:
        return _("Use at least %(count)d different visible characters.") % {
            "count": LEAST_DIFFERENT
        }
