"""The JSON object that a request carries."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.utils import json  # strict: NaN and Infinity are no JSON

from intellispark.api.errors import Invalid, MalformedRequest, UnsupportedMediaType


def body_of(request: Request) -> dict[str, object]:
    """The parsed body. Raises Invalid when it is JSON, but not an object."""
    return _object(request.data)


def plain_body_of(request: HttpRequest) -> dict[str, object]:
    """The same for a plain Django view; no body is an empty object. Raises MalformedRequest too."""
    if not request.body:
        return {}
    if request.content_type not in ("application/json", ""):
        raise UnsupportedMediaType
    try:
        return _object(json.loads(request.body.decode()))
    except (ValueError, RecursionError) as error:
        raise MalformedRequest from error


def _object(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise Invalid.field(api_settings.NON_FIELD_ERRORS_KEY, _("Send a JSON object."))
    return data
