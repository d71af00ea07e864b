"""What no request may carry. It is refused before a view looks at the request.

NUL: no text of ours has one, and PostgreSQL stores none, so wherever it came through it would be an
error of the database. In JSON, which can spell it in many ways, the fields refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from intellispark.api.error_pages import is_api
from intellispark.api.errors import MalformedRequest, PayloadTooLarge

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


def check(request: HttpRequest) -> None:
    """Raises MalformedRequest or PayloadTooLarge. Reads the body where it is a form, or chunked."""
    if _too_large(request):
        raise PayloadTooLarge
    query = request.META["QUERY_STRING"]
    if "\x00" in request.path_info or "\x00" in query or "%00" in query:
        raise MalformedRequest
    if request.content_type in FORMS and not is_api(request):  # which reads JSON only
        try:
            if any("\x00" in text for text in _texts(request)):
                raise MalformedRequest
        except (MultiPartParserError, SuspiciousOperation) as error:
            request._mark_post_parse_error()  # type: ignore[attr-defined]  # or it is read again
            raise MalformedRequest from error


def _texts(request: HttpRequest) -> Iterator[str]:
    for name, values in request.POST.lists():
        yield from (name, *values)
    for name, files in request.FILES.lists():
        yield from (name, *(file.name or "" for file in files))


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
