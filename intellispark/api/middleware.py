"""Around every request: give errors one body or page, and add the request's id.

Async, so that a request without an error takes no thread here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware

from intellispark.api.error_pages import error_page, is_api
from intellispark.api.errors import (
    DomainError,
    ErrorResponse,
    NotFound,
    PayloadTooLarge,
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
        if _too_large(request):
            response = await refusal(request, PayloadTooLarge())
        else:
            response = await get_response(request)
            response = await _with_our_errors(request, response)
        response.headers["X-Request-ID"] = request_id()
        return response

    middleware.process_exception = _refused  # type: ignore[attr-defined]  # Django looks for it
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
    if isinstance(exc, (DomainError, Http404)):
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


def _too_large(request: HttpRequest) -> bool:
    """Whether the body is over the limit. A chunked body has no length yet: it gets one here.

    Without a Content-Length, DRF would take the body for empty and Django would not limit it.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", ""):
        try:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        except RequestDataTooBig:
            return True
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > limit
