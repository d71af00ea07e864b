"""`/api/schema/`: the OpenAPI document, made once for each language and format."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

MAX_AGE_SECS = 3_600


class SchemaView(SpectacularAPIView):
    """drf-spectacular's view, with its formats and `?lang=`. It makes the document anew for each
    request; that of a running process never changes."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wanted = request.GET.get("lang", "")
        language = wanted if wanted in dict(settings.LANGUAGES) else translation.get_language()
        renderer = request.accepted_renderer
        body, etag = _document(language or settings.LANGUAGE_CODE, renderer.media_type)
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        response = HttpResponse(body, content_type=renderer.media_type + charset)
        patch_cache_control(response, public=True, max_age=MAX_AGE_SECS)
        response["ETag"] = etag
        return get_conditional_response(request._request, etag, None, response) or response


@cache  # a few languages, four formats
def _document(language: str, media_type: str) -> tuple[bytes, str]:
    """The document, and its ETag."""
    renderers = {each.media_type: each for each in SchemaView.renderer_classes}
    with translation.override(language):
        schema = SchemaGenerator().get_schema(request=None, public=True)
        body = force_bytes(renderers[media_type]().render(schema, renderer_context={}))
    return body, f'"{sha256(body).hexdigest()[:32]}"'
