"""Parts of the OpenAPI schema that the apps share; adds the error body to every operation."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from intellispark.api.idempotency import KEY_SCHEMA
from intellispark.api.openapi import Schema

ERROR = {"$ref": "#/components/schemas/Error"}
WRONG_CREDENTIAL = OpenApiResponse(ERROR, description="What was sent signs nobody in.")
KEPT_OUT = OpenApiResponse(ERROR, description="Suspended, or the address is not confirmed yet.")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    KEY_SCHEMA,
    OpenApiParameter.HEADER,
    description="The same key with the same body has one effect.",
)
ERROR_SCHEMA: Schema = {
    "type": "object",
    "required": ["error"],
    "description": "The body of every error. docs/errors.md lists the codes.",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "detail", "request_id"],
            "properties": {
                "code": {"type": "string", "example": "insufficient_tokens"},
                "detail": {"type": "string", "description": "A sentence for people."},
                "fields": {
                    "type": "object",
                    "description": "What is wrong with each field (validation_failed).",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
                "retry_after": {"type": "integer", "description": "Seconds to wait."},
                "needed": {"type": "integer", "description": "Tokens (insufficient_tokens)."},
                "available": {"type": "integer", "description": "Tokens (insufficient_tokens)."},
                "request_id": {
                    "type": "string",
                    "description": "The request's id in the server's log.",
                },
            },
        }
    },
}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
EVERYWHERE = {
    "400": "The request cannot be read: malformed JSON, a NUL, or another host's name.",
    "406": "The answer is not available in the requested format.",
    "429": "Too many requests.",
    "500": "Something went wrong on our side.",
    "503": "Not available right now, say the database; send it again after `Retry-After`.",
}
WITH_CREDENTIALS = {"401": "Not signed in.", "403": "Suspended, or the CSRF token is missing."}
WITH_BODY = {
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Validation failed.",
}
METHODS = {"get", "post", "put", "patch", "delete"}


def add_errors(result: Schema, **kwargs: object) -> Schema:
    """drf-spectacular's hook: add the errors that an operation may answer but does not list."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                responses = operation.setdefault("responses", {})
                for status, description in _refusals(path, operation).items():
                    responses.setdefault(status, _response(status, description))
    return result


def _refusals(path: str, operation: Schema) -> dict[str, str]:
    found = dict(EVERYWHERE)
    if any(operation.get("security", [{}])):
        found |= WITH_CREDENTIALS
    if "requestBody" in operation:
        found |= WITH_BODY
    if "{" in path:
        found["404"] = "Unknown, or somebody else's."
    return found


def _response(status: str, description: str) -> Schema:
    response: Schema = {
        "description": description,
        "content": {"application/json": {"schema": ERROR}},
    }
    if status in ("429", "503"):
        response["headers"] = RETRY_AFTER
    return response
