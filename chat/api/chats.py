"""`/api/chats`: the person's own chats."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import (
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.serializers import ChatSerializer
from chat.conversations.chats import (
    create_chat,
    get_chat,
    get_chat_card,
    rename_chat,
)
from chat.conversations.models import Chat
from chat.conversations.models.chat import TITLE_MAX_CHARS
from chat.conversations.validation import PATTERN
from chat.replies.deletion import delete_chat
from intellispark.accounts.requests import current_user
from intellispark.api.body import body_of
from intellispark.api.idempotency import client_key
from intellispark.api.pagination import PageNumber
from intellispark.api.schema import ERROR, IDEMPOTENCY_KEY

KEY_USED = OpenApiResponse(ERROR, description="The key was used for another request.")
NO_PAGE = OpenApiResponse(ERROR, description="There is no such page.")
CREATE = inline_serializer("ChatCreate", {"character_id": serializers.UUIDField()})
RENAME = inline_serializer(
    "ChatRename",
    {"title": serializers.RegexField(PATTERN, min_length=1, max_length=TITLE_MAX_CHARS)},
)


class ChatsView(APIView):
    pagination_class = PageNumber

    @extend_schema(
        operation_id="chats_list",
        summary="Chats, newest activity first",
        responses={200: ChatSerializer(many=True), 404: NO_PAGE},
        tags=["chats"],
    )
    def get(self, request: Request) -> Response:
        paginator = PageNumber()
        rows = Chat.objects.owned_by(current_user(request)).with_last_message()
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(ChatSerializer(page, many=True).data)

    @extend_schema(
        operation_id="chats_create",
        summary="Begin a chat",
        description="The character's opening line is already in it.",
        parameters=[IDEMPOTENCY_KEY],
        request=CREATE,
        responses={
            201: ChatSerializer,
            404: OpenApiResponse(ERROR, description="No such character."),
            409: KEY_USED,
        },
        tags=["chats"],
    )
    def post(self, request: Request) -> Response:
        user, key = current_user(request), client_key(request)
        character_id = body_of(request).get("character_id")
        chat = create_chat(user=user, character_id=character_id, key=key)
        chat = get_chat_card(user=user, chat_id=chat.pk)
        return Response(ChatSerializer(chat).data, status=201)


class ChatView(APIView):
    @extend_schema(
        operation_id="chats_read", summary="One chat", responses=ChatSerializer, tags=["chats"]
    )
    def get(self, request: Request, chat_id: UUID) -> Response:
        return Response(
            ChatSerializer(get_chat_card(user=current_user(request), chat_id=chat_id)).data
        )

    @extend_schema(
        operation_id="chats_rename",
        summary="Rename a chat",
        request=RENAME,
        responses=ChatSerializer,
        tags=["chats"],
    )
    def patch(self, request: Request, chat_id: UUID) -> Response:
        chat = get_chat_card(user=current_user(request), chat_id=chat_id)
        body = body_of(request)
        if "title" in body:
            rename_chat(chat=chat, title=body["title"])
        return Response(ChatSerializer(chat).data)

    @extend_schema(
        operation_id="chats_delete",
        summary="Delete a chat with its messages",
        description="A running reply is stopped and settled first.",
        responses={204: None},
        tags=["chats"],
    )
    def delete(self, request: Request, chat_id: UUID) -> Response:
        delete_chat(chat=get_chat(user=current_user(request), chat_id=chat_id))
        return Response(status=204)
