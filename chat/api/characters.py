"""`/api/characters`: searching and reading, open to people without an account."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.chats import NO_PAGE
from chat.api.serializers import CharacterDetailSerializer, CharacterSerializer
from chat.characters.models import Character, CharacterQuerySet
from chat.characters.queries import get_character
from intellispark.api.pagination import PageNumber


@extend_schema_view(
    get=extend_schema(
        operation_id="characters_list",
        summary="Characters, searched and filtered",
        parameters=[
            OpenApiParameter("q", str, description="In name, tagline or description."),
            OpenApiParameter("category", str, description="The slug of a category."),
        ],
        responses={200: CharacterSerializer(many=True), 404: NO_PAGE},
        tags=["characters"],
    )
)
class CharactersView(ListAPIView[Character]):
    permission_classes = [AllowAny]
    serializer_class = CharacterSerializer
    pagination_class = PageNumber

    def get_queryset(self) -> CharacterQuerySet:
        query = {name: self.request.GET.get(name, "").strip() for name in ("q", "category")}
        return Character.objects.visible_to(self.request.user).matching(**query).for_cards()


class CharacterView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="characters_read",
        summary="One character",
        responses=CharacterDetailSerializer,
        tags=["characters"],
    )
    def get(self, request: Request, character_id: UUID) -> Response:
        character = get_character(user=request.user, character_id=character_id)
        context: dict[str, object] = {"user": request.user}
        return Response(CharacterDetailSerializer(character, context=context).data)
