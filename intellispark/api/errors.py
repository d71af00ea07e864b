"""One error body for everything that the API refuses, whatever raised it.

The codes, and what a client should do about each, are listed in docs/errors.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.settings import api_settings

from intellispark.db import is_outage
from intellispark.text import StrOrPromise

logger = structlog.get_logger(__name__)

RETRY_AFTER_SECS = 3  # of an outage: as long as a restart of the database may take


class DomainError(Exception):
    """A refusal with a stable code. Subclasses name the code, the HTTP status and the sentence.

    `data` is merged into the error body (for instance `needed` and `available`).
    """

    code = "error"
    status = 400
    detail: StrOrPromise = _("The request could not be completed.")

    def __init__(
        self,
        detail: StrOrPromise | None = None,
        *,
        retry_after: int | None = None,
        **data: object,
    ) -> None:
        self.detail = detail or self.detail
        self.retry_after = retry_after
        self.data = data
        super().__init__(str(self.detail))


class MalformedRequest(DomainError):
    """The body is not JSON, or the request is not valid HTTP."""

    code = "malformed_request"
    status = 400
    detail = _("The request could not be read.")


class NotSignedIn(DomainError):
    """No credential, or one that is wrong, expired or revoked."""

    code = "not_signed_in"
    status = 401
    detail = _("Sign in to do this.")


class InvalidCredentials(DomainError):
    """Sign-in failed. The answer is the same for an unknown account and a wrong password."""

    code = "invalid_credentials"
    status = 401
    detail = _("Wrong username or password.")


class Forbidden(DomainError):
    """Signed in, but not allowed."""

    code = "forbidden"
    status = 403
    detail = _("You don't have permission to do this.")


class Suspended(DomainError):
    """The account is suspended; valid credentials are refused too."""

    code = "suspended"
    status = 403
    detail = _("This account is suspended.")


class CsrfFailed(DomainError):
    """A session cookie came without the CSRF token of one of our pages."""

    code = "csrf_failed"
    status = 403
    detail = _("This page was open for too long. Reload it and try again.")


class NotFound(DomainError):
    """Unknown, malformed, or somebody else's."""

    code = "not_found"
    status = 404
    detail = _("There is nothing here.")


class MethodNotAllowed(DomainError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    detail = _("This method is not allowed here.")


class NotAcceptable(DomainError):
    """`Accept` names no format that this path can answer in."""

    code = "not_acceptable"
    status = 406
    detail = _("The answer is not available in the requested format.")


class PayloadTooLarge(DomainError):
    """The body is over the limit; refused before it is parsed."""

    code = "payload_too_large"
    status = 413
    detail = _("The request is too large.")


class UnsupportedMediaType(DomainError):
    """The body is not `application/json`."""

    code = "unsupported_media_type"
    status = 415
    detail = _("Send JSON, with the content type application/json.")


class Invalid(DomainError):
    """A value breaks a rule. Data: `fields`, a list of sentences for each field."""

    code = "validation_failed"
    status = 422
    detail = _("Some fields are not valid.")

    @classmethod
    def field(cls, name: str, sentence: StrOrPromise) -> Invalid:
        """The error for one field."""
        return cls(fields={name: [str(sentence)]})


class RateLimited(DomainError):
    """Too many requests; `retry_after` says when the next one may come."""

    code = "rate_limited"
    status = 429
    detail = _("Too many requests. Wait a moment and try again.")


class ServerFailed(DomainError):
    """A fault of ours. The log has the details, under the request's id."""

    code = "server_error"
    status = 500
    detail = _("Something went wrong on our side.")


class Unavailable(DomainError):
    """The database is away, all its connections are taken, or a lock was waited for too long.

    Nothing was written, or (a commit whose answer was lost) the same key finds what was.
    """

    code = "unavailable"
    status = 503
    detail = _("This is not available right now. Please try again in a moment.")

    def __init__(self, detail: Any = None, *, retry_after: int | None = None, **data: Any) -> None:
        super().__init__(detail, retry_after=retry_after or RETRY_AFTER_SECS, **data)


class ErrorResponse(JsonResponse):
    """A response that already has the API's error body."""


_BY_STATUS: dict[int, type[DomainError]] = {
    error.status: error
    for error in (
        MalformedRequest, NotSignedIn, Forbidden, NotFound, MethodNotAllowed, NotAcceptable,
        PayloadTooLarge, UnsupportedMediaType, Invalid, RateLimited, ServerFailed, Unavailable,
    )
}  # fmt: skip


def error_of_status(status: int) -> DomainError:
    """The error for a response of which only the status is known."""
    default = ServerFailed if status >= 500 else MalformedRequest
    error = _BY_STATUS.get(status, default)()
    error.status = status
    return error


def as_domain_error(exc: BaseException) -> DomainError | None:
    """The exception as a DomainError, or None when it is a bug of ours."""
    match exc:
        case DomainError():
            return exc
        case drf.ValidationError():
            return Invalid(fields=_flat(exc.detail))
        case DjangoValidationError():
            return Invalid(fields=_flat(_django_fields(exc)))
        case drf.Throttled():
            return RateLimited(retry_after=int(getattr(exc, "wait", None) or 1))
        case drf.APIException():
            return error_of_status(exc.status_code)
        case Http404():
            return NotFound()
        case RequestDataTooBig():
            return PayloadTooLarge()
        case PermissionDenied():
            return Forbidden()
        case BadRequest() | SuspiciousOperation():
            return MalformedRequest()
        case OperationalError() | InterfaceError() if is_outage(exc):
            logger.warning("database.unavailable", error=repr(exc))
            return Unavailable()
    return None


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> ErrorResponse | None:
    """DRF's hook: the error response, or None for a bug, which goes to the 500 handler and log."""
    error = as_domain_error(exc)
    if error is None:
        return None
    from rest_framework.views import set_rollback  # it imports our authentication

    set_rollback()
    return error_response(error, context.get("request"))


def error_response(exc: DomainError, request: HttpRequest | None = None) -> ErrorResponse:
    """The response with the API's error body; also for views and middleware outside DRF."""
    body: dict[str, object] = {"code": exc.code, "detail": str(exc.detail), **exc.data}
    if exc.retry_after is not None:
        body["retry_after"] = exc.retry_after
    body["request_id"] = request_id()
    response = ErrorResponse({"error": body}, status=exc.status)
    if exc.retry_after is not None:
        response["Retry-After"] = str(exc.retry_after)
    if exc.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = str(len(response.content))
    return response


def request_id() -> str:
    """The id of this request in the log; empty outside of a request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _django_fields(exc: DjangoValidationError) -> dict[str, list[str]] | list[str]:
    if hasattr(exc, "error_dict"):
        return exc.message_dict
    return exc.messages


def _flat(detail: object, name: str = "") -> dict[str, list[str]]:
    """Sentences by field; the fields of nested objects as `outer.inner`."""
    whole = name or api_settings.NON_FIELD_ERRORS_KEY
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found.update(_flat(value, f"{name}.{key}" if name else str(key)))
        return found
    if isinstance(detail, list) and any(isinstance(item, (Mapping, list)) for item in detail):
        found = {}
        for index, item in enumerate(detail):
            found.update(_flat(item, f"{whole}.{index}"))
        return found
    sentences = detail if isinstance(detail, list) else [detail]
    return {whole: [str(sentence) for sentence in sentences]} if sentences else {}
