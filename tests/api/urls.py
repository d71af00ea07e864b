"""The site's paths, and some that fail in every way a view can."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from intellispark.api.errors import DomainError, Invalid
from intellispark.urls import (  # noqa: F401
    handler400,
    handler403,
    handler404,
    handler500,
)
from intellispark.urls import urlpatterns as site

RAISES: dict[str, Exception] = {
    "domain": DomainError("Not like this.", retry_after=3, needed=1, available=0),
    "invalid": Invalid.field("name", "Too short."),
    "missing": Http404(),
    "denied": PermissionDenied(),
    "suspicious": SuspiciousOperation("a secret"),
    "bug": RuntimeError("a secret of the database"),
}


async def plain(request: HttpRequest, what: str) -> HttpResponse:
    raise RAISES[what]


@csrf_exempt
@require_POST
async def post_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


class Inner(serializers.Serializer[Any]):
    colour = serializers.ChoiceField(choices=["red"])


class Outer(serializers.Serializer[Any]):
    name = serializers.CharField()
    inner = Inner()
    many = Inner(many=True, required=False)


class DrfView(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, what: str) -> Response:
        raise RAISES[what]

    def post(self, request: Request, what: str) -> Response:
        serializer = Outer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data)


urlpatterns = [
    *site,
    path("api/plain/post-only", post_only),
    path("api/plain/<what>", plain),
    path("api/drf/<what>", DrfView.as_view()),
    path("page/<what>/", plain),
    path("form/", lambda request: HttpResponse("ok")),
]
