"""What a ledger entry says to a person, in the language of the page.

The ledger stores English, because the database, exports and admins read it too. Fixed sentences
are looked up in the catalogue as they are. Sentences with a character's name in them are recognised
by their pattern; pattern and name are looked up apart and put together. What the catalogue does
not know is shown as it was written.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext, gettext_noop, pgettext

from intellispark.text import spaced
from payments.ledger.models import LedgerEntry

# Stored elsewhere; named here so that the translators see them.
FIXED = (
    gettext_noop("Welcome tokens"),
    gettext_noop("Adjustment"),
    gettext_noop("Granted tokens"),
    gettext_noop("Expired tokens"),
    gettext_noop("Debt written off"),
)
PATTERNS = (gettext_noop("Reply from %(name)s"),)


def _recogniser(pattern: str) -> re.Pattern[str]:
    before, after = pattern.split("%(name)s")
    return re.compile(f"{re.escape(before)}(?P<name>.+){re.escape(after)}", re.DOTALL)


_RECOGNISERS = [(pattern, _recogniser(pattern)) for pattern in PATTERNS]


def describe(entry: LedgerEntry) -> str:
    """The entry's description in the active language, or the name of its kind without one."""
    if not entry.description.strip():
        return entry.get_kind_display()
    for pattern, recogniser in _RECOGNISERS:
        if found := recogniser.fullmatch(entry.description):
            name = found["name"]
            return spaced(gettext(pattern) % {"name": pgettext("name of a character", name)})
    return gettext(entry.description)
