"""System checks: find settings at the start that would fail at the first reply."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string


@register("providers")
def provider_exists(**kwargs: object) -> list[CheckMessage]:
    """AI_PROVIDER names an entry of AI_PROVIDERS that can be imported."""
    key = settings.AI_PROVIDER
    if key not in settings.AI_PROVIDERS:
        known = ", ".join(settings.AI_PROVIDERS)
        return [Error(f"AI_PROVIDER is {key!r}, which is none of: {known}.", id="chat.E001")]
    try:
        import_string(settings.AI_PROVIDERS[key])
    except ImportError as error:
        return [Error(f"The provider {key!r} cannot be imported: {error}.", id="chat.E002")]
    if key == "openai" and not (settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY):
        hint = "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."
        return [Error("AI_PROVIDER is openai, but it has no server.", hint=hint, id="chat.E003")]
    return []
