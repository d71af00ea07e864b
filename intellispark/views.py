"""What a person sees when something is refused or broken: a page, or JSON under `/api/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

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

PAGES = {403, 404, 429, 500}


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The page for that error: its own where there is one, else that of a refusal (403)."""
    name = error.status if error.status in PAGES else 403
    context = {"error": error, "came_from": _came_from(request)}
    page = loader.render_to_string(f"{name}.html", context, request)
    response = HttpResponse(page, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    add_never_cache_headers(response)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, as_domain_error(exception) or MalformedRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, Forbidden())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    return _answer(request, NotFound())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    return _answer(request, CsrfFailed())


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Without the request's context: what broke may be the database that the page would read."""
    error = ServerFailed()
    if is_api(request):
        return error_response(error, request)
    context: dict[str, Any] = {"error": error}
    return HttpResponse(loader.render_to_string("500.html", context), status=500)


def _came_from(request: HttpRequest) -> str:
    """The page of ours that this was sent from, to be opened afresh; empty if that is unknown."""
    page = request.headers.get("Referer", "") if request.method == "POST" else ""
    ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if ours else ""


def _answer(request: HttpRequest, error: DomainError) -> HttpResponseBase:
    if is_api(request):
        return error_response(error, request)
    return error_page(request, error)
