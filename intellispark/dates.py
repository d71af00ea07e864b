"""Which dates may be asked for: those near its ends are lost to a time zone or to a day more."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

FIRST_YEAR, LAST_YEAR = 2000, 2200


def check_date(value: date) -> None:
    """For form fields: raises ValidationError for a date (or time) out of bounds."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        years = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise ValidationError(_("Choose a date from %(first)d to %(last)d."), params=years)


def is_date(text: str) -> bool:
    """Whether it is a date or time within the bounds, as an address may name one."""
    try:
        found: date | datetime | None = parse_datetime(text) or parse_date(text)
    except ValueError:  # the 31st of February
        return False
    return found is not None and FIRST_YEAR <= found.year <= LAST_YEAR
