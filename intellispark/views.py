"""Django's error handlers: a page, or JSON under `/api/`."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponseBase

from intellispark.api.error_pages import error_page, is_api
from intellispark.api.errors import (
    CsrfFailed,
    DomainError,
    Forbidden,
    MalformedRequest,
    NotFound,
    ServerFailed,
    Unavailable,
    as_domain_error,
    error_response,
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, as_domain_error(exception) or MalformedRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, Forbidden())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _answer(request, NotFound())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    return _answer(request, CsrfFailed())


def server_error(request: HttpRequest) -> HttpResponseBase:
    """What broke, in a view or around it: an outage, or a bug of ours."""
    error = sys.exc_info()[1]
    known = as_domain_error(error) if error else None
    ours = isinstance(error, DomainError) or isinstance(known, Unavailable)
    return _answer(request, known if known and ours else ServerFailed())


def _answer(request: HttpRequest, error: DomainError) -> HttpResponseBase:
    if is_api(request):
        return error_response(error, request)
    return error_page(request, error)
