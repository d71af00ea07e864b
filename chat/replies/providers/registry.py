"""Finds providers. `settings.AI_PROVIDERS` maps a short key to a dotted path.

A provider is one module of this folder and one line of the settings: a class with the members of
`Provider`, made without arguments.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from chat.replies.providers.base import Provider


def get_provider(key: str = "") -> Provider:
    """The provider of that key, by default the configured one; one instance per process."""
    return _provider(settings.AI_PROVIDERS[key or settings.AI_PROVIDER])


async def close_providers() -> None:
    """Let every provider go of its connections on the running loop, which is about to end."""
    for provider in _made:
        await provider.close()


@cache
def _provider(path: str) -> Provider:
    provider: Provider = import_string(path)()
    _made.append(provider)
    return provider


_made: list[Provider] = []
