"""Finds providers. `settings.AI_PROVIDERS` maps a short key to a dotted path.

A provider is one module of this folder and one line of the settings: a class with the three
members of `Provider`, made without arguments.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from chat.replies.providers.base import Provider


def get_provider(key: str = "") -> Provider:
    """The provider of that key, by default the configured one; one instance per process."""
    return _provider(settings.AI_PROVIDERS[key or settings.AI_PROVIDER])


@cache
def _provider(path: str) -> Provider:
    return import_string(path)()
