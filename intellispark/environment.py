"""Reads variables of the environment, and refuses by name those that cannot be meant.

A value that is misspelt must not quietly become another one. Each function returns `default` where
the variable is missing or empty, and raises ImproperlyConfigured, which names it, where its value
is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from ipaddress import ip_network
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
ON = {"1", "true", "on", "yes"}
OFF = {"0", "false", "off", "no"}


def text(name: str, *, default: str = "") -> str:
    value: str = env.str(name, default="")
    return value.strip() or default


def words(name: str, *, default: Collection[str] = ()) -> list[str]:
    """The parts of a list that is separated by commas."""
    parts = [part.strip() for part in text(name).split(",")]
    return [part for part in parts if part] or list(default)


def switch(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if value in ON | OFF | {""}:
        return value in ON if value else default
    raise _wrong(name, "it must be on or off")


def choice(name: str, *, default: str, choices: Collection[str]) -> str:
    value = text(name, default=default)
    if value not in choices:
        raise _wrong(name, f"it must be one of: {', '.join(choices)}")
    return value


def whole_number(name: str, *, default: int, least: int, most: int) -> int:
    value = text(name, default=str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise _wrong(name, f"it must be a whole number from {least} to {most}")
    return int(value)


def seconds(name: str, *, default: float) -> float:
    try:
        value = float(text(name, default=str(default)))
    except ValueError:
        value = math.nan
    if not 0 < value <= 86_400:
        raise _wrong(name, "it must be a number of seconds, more than 0 and at most a day")
    return value


def networks(name: str) -> list[str]:
    """Addresses and networks. One that holds every address is refused: it would trust everybody."""
    found = words(name)
    for entry in found:
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            raise _wrong(name, f"{entry} is no IP address and no network of them") from None
        if network.prefixlen == 0:
            raise _wrong(name, f"{entry} would trust everybody")
    return found


def hosts(name: str, *, default: Collection[str] = ()) -> list[str]:
    """Host names as Django's ALLOWED_HOSTS has them: without scheme, port and path."""
    found = words(name, default=default)
    for entry in found:
        bare = entry.startswith("[") and entry.endswith("]")
        if "/" in entry or (":" in entry and not bare):
            raise _wrong(name, f"{entry} is no host name: leave scheme, port and path out")
    return found


def origins(name: str) -> list[str]:
    """Origins such as https://example.com, in that form: scheme, host, perhaps a port."""
    found = words(name)
    for entry in found:
        parts = urlsplit(entry)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != entry:
            raise _wrong(name, f"{entry} is no origin such as https://example.com")
    return found


def url(name: str, *, default: str = "", schemes: Collection[str]) -> str:
    """A URL of one of these schemes. The message does not repeat it: it may carry a password."""
    value = text(name, default=default)
    scheme, colon, _ = value.partition(":")
    if value and (not colon or scheme not in schemes):
        raise ImproperlyConfigured(f"{name} must begin with one of: {', '.join(schemes)}.")
    return value


def _wrong(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {text(name)!r}: {reason}.")
