"""Django's error handlers: a page, or JSON under `/api/`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader

from intellispark.api.error_pages import error_page, is_api
from intellispark.api.errors import (
    CsrfFailed,
    DomainError,
    Forbidden,
    MalformedRequest,
    NotFound,
    ServerFailed,
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
    """Rendered without the request's context, which reads the database: that may be what broke."""
    error = ServerFailed()
    if is_api(request):
        return error_response(error, request)
    context: dict[str, object] = {"error": error}
    return HttpResponse(loader.render_to_string("500.html", context), status=500)


def _answer(request: HttpRequest, error: DomainError) -> HttpResponseBase:
    if is_api(request):
        return error_response(error, request)
    return error_page(request, error)
