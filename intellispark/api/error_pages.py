"""The pages that people see when a request is refused or fails."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from intellispark.api.errors import DomainError

PAGES = {403, 404, 429, 500, 503}
ALONE = {429, 500, 503}


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The page of the error's status, or `403.html` when the status has no page of its own.

    Some are rendered without the request's context, which reads the database: that may be what
    broke, or what somebody asks too much of.
    """
    name = error.status if error.status in PAGES else 403
    context = {"error": error, "came_from": _came_from(request)}
    page = loader.render_to_string(
        f"{name}.html", context, None if error.status in ALONE else request
    )
    response = HttpResponse(page, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    add_never_cache_headers(response)
    return response


def _came_from(request: HttpRequest) -> str:
    """The page of this site from which a form was sent, to be opened again; empty if unknown."""
    if request.method != "POST":
        return ""
    try:
        host = request.get_host()
    except SuspiciousOperation:  # the host that is refused
        return ""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={host}, require_https=request.is_secure()
    )
    return page if ours else ""
