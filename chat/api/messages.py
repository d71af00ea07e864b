"""`/api/chats/{id}/messages`: reading and posting."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.chats import KEY_USED
from chat.api.serializers import MessageSerializer
from chat.conversations.chats import get_chat
from chat.conversations.messages import message_page, post_message
from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.conversations.validation import PATTERN
from intellispark.accounts.requests import current_user
from intellispark.api.body import body_of
from intellispark.api.errors import Invalid
from intellispark.api.idempotency import client_key
from intellispark.api.schema import ERROR, IDEMPOTENCY_KEY
from intellispark.text import whole_number

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
LIMIT = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}

PAGE = inline_serializer(
    "MessagePage",
    {"results": MessageSerializer(many=True), "has_more": serializers.BooleanField()},
)
POST = inline_serializer(
    "MessagePost",
    {"content": serializers.RegexField(PATTERN, min_length=1, max_length=MESSAGE_MAX_CHARS)},
)


class MessagesView(APIView):
    @extend_schema(
        operation_id="messages_list",
        summary="Messages, oldest first",
        description="The newest ones, or those just before `before`.",
        parameters=[
            OpenApiParameter("before", UUID, description="The id of a message."),
            OpenApiParameter("limit", LIMIT),
        ],
        responses={200: PAGE, 422: OpenApiResponse(ERROR, description="No such limit.")},
        tags=["messages"],
    )
    def get(self, request: Request, chat_id: UUID) -> Response:
        chat = get_chat(user=current_user(request), chat_id=chat_id)
        messages, has_more = message_page(
            chat=chat, before=request.GET.get("before"), limit=_limit(request.GET.get("limit"))
        )
        results = MessageSerializer(messages, many=True).data
        return Response({"results": results, "has_more": has_more})

    @extend_schema(
        operation_id="messages_create",
        summary="Post a message",
        description="The role is always `user`. It starts no reply: see `generate`.",
        parameters=[IDEMPOTENCY_KEY],
        request=POST,
        responses={201: MessageSerializer, 409: KEY_USED},
        tags=["messages"],
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        user = current_user(request)
        chat = get_chat(user=user, chat_id=chat_id)
        key, content = client_key(request), body_of(request).get("content")
        message = post_message(user=user, chat=chat, content=content, key=key)
        return Response(MessageSerializer(message).data, status=201)


def _limit(raw: str | None) -> int:
    if raw is None:
        return LIMIT_DEFAULT
    limit = whole_number(raw)
    if limit is None or not 1 <= limit <= LIMIT_MAX:
        raise Invalid.field("limit", _("Enter a number from 1 to %(max)d.") % {"max": LIMIT_MAX})
    return limit
