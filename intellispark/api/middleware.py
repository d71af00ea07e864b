"""Around every request: give errors one body or page, and add the request's id.

Async, so that a request without an error takes no thread here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from intellispark.api import door
from intellispark.api.error_pages import error_page, is_api
from intellispark.api.errors import (
    DomainError,
    ErrorResponse,
    NotFound,
    Unavailable,
    as_domain_error,
    error_of_status,
    error_response,
    request_id,
)

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def errors(get_response: GetResponse) -> GetResponse:
    """Answer errors under `/api/` with the API's error body, and others with an error page."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        response = await _with_our_errors(request, response)
        response.headers["X-Request-ID"] = request_id()
        return response

    middleware.process_exception = _refused  # type: ignore[attr-defined]  # Django looks for it
    return middleware


@async_only_middleware
def at_the_door(get_response: GetResponse) -> GetResponse:
    """Refuse what no request may carry: after the request is counted, before anything reads it."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        try:
            door.check(request)
        except DomainError as error:
            return await refusal(request, error)
        return await get_response(request)

    return middleware


async def refusal(request: HttpRequest, error: DomainError) -> HttpResponseBase:
    """The response of a middleware that refuses a request."""
    if is_api(request):
        return error_response(error, request)
    return await sync_to_async(error_page)(request, error)


def _refused(request: HttpRequest, exc: Exception) -> HttpResponseBase | None:
    """The response to what a plain view raised; None leaves it to the 500 handler and the log."""
    error = as_domain_error(exc)
    if error is None:
        return None
    if is_api(request):
        return error_response(error, request)
    if isinstance(exc, (DomainError, Http404)) or isinstance(error, Unavailable):
        return error_page(request, error)
    return None


async def _with_our_errors(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response; Django's own errors (a plain view's 405, debug pages) get our body or page."""
    if is_api(request):
        response.headers.setdefault("Cache-Control", "no-store")  # answers are personal
        if response.status_code < 400 or isinstance(response, ErrorResponse):
            return response
        error = error_response(error_of_status(response.status_code), request)
        if "Allow" in response.headers:
            error["Allow"] = response.headers["Allow"]
        return error
    if settings.DEBUG and response.status_code == 404 and request.resolver_match is None:
        return await refusal(request, NotFound())
    return response
