"""Filters that show a value to a reader: counts, ages, previews, initials."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language, gettext

from intellispark.api.times import isoformat
from intellispark.text import grouped, preview, spaced

register = template.Library()
register.filter(grouped)
register.filter(preview)
register.filter(spaced, is_safe=True)  # letters stay letters, and a space is no markup


@register.filter
def ago(time: datetime | None) -> str:
    """How long ago, in words that hold in every time zone; after six days the date.

    `times.js` writes the same into a `<time data-ago>`, in the reader's zone and as time passes.
    """
    if time is None:
        return ""
    age = timezone.now() - time
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return gettext("{n} min ago").format(n=minutes)
    if minutes < 24 * 60:
        return gettext("{n} h ago").format(n=minutes // 60)
    if age < timedelta(days=7):
        text = gettext("{n} day ago") if age.days == 1 else gettext("{n} days ago")
        return text.format(n=age.days)
    this_year = time.year == timezone.now().year
    return date_format(time, "MONTH_DAY_FORMAT" if this_year else "DATE_FORMAT")


@register.filter
def day(time: datetime | None) -> str:
    """The date as a `<time>` element; `times.js` rewrites it in the reader's zone."""
    if time is None:
        return ""
    return format_html(
        '<time datetime="{}" data-day title="{} UTC">{}</time>',
        isoformat(time),
        date_format(time, "Y-m-d H:i"),
        date_format(time, "DATE_FORMAT"),
    )


@register.filter
def compact(number: int) -> str:
    """A count in at most four characters: 950, 4.1k, 2.3M; in Chinese by ten thousands."""
    if (get_language() or "").startswith("zh"):
        steps = [(100_000_000, "亿"), (10_000, "万")]
    else:
        steps = [(1_000_000, "M"), (1_000, "k")]
    for size, unit in steps:
        if number >= size:
            tenths = number * 10 // size  # rounded down: 999,950 is not 1000.0k
            shown = f"{tenths // 10}.{tenths % 10}" if tenths < 100 else str(tenths // 10)
            return f"{shown.removesuffix('.0')}{unit}"
    return str(number)


@register.filter
def spoken(text: str | None) -> str:
    """The first paragraph of an opening line that is speech, not a stage direction; on one line."""
    paragraphs = [line.strip() for line in (text or "").split("\n") if line.strip()]
    speech = [line for line in paragraphs if not (line[0] == line[-1] == "*")]
    return preview((speech or paragraphs or [""])[0])


@register.filter
def initials(name: str) -> str:
    """Two letters for a person without a picture; one in Chinese, Japanese and Korean."""
    words: list[str] = re.findall(r"\w+", name.replace("_", " ")) or ["?"]
    if words[0][0] > "\u2e7f":  # Han, kana, hangul
        return words[0][0]
    return (words[0][0] + (words[1][0] if len(words) > 1 else words[0][1:2])).upper()
