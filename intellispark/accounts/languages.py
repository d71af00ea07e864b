"""The language in which a client wants its answer."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation


def requested_language(request: HttpRequest) -> str:
    """The language of the cookie or of Accept-Language; empty when the request has neither."""
    named = settings.LANGUAGE_COOKIE_NAME in request.COOKIES or "Accept-Language" in request.headers
    return translation.get_language_from_request(request) if named else ""
