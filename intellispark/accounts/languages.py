"""The language that a request asks for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation


def asked_language(request: HttpRequest) -> str:
    """That of the language cookie or of Accept-Language; empty where the request has neither."""
    asks = settings.LANGUAGE_COOKIE_NAME in request.COOKIES or "Accept-Language" in request.headers
    return translation.get_language_from_request(request) if asks else ""
