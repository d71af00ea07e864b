"""The person's own balance and its history."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from intellispark.accounts.requests import current_user
from intellispark.api.schema import ERROR
from payments.api.serializers import (
    EntryPageSerializer,
    HistoryQuery,
    WalletSerializer,
    etag_of,
)
from payments.ledger import history
from payments.ledger.models import Wallet

PAGE_SIZE = 50
PRIVATE = "private, no-cache"  # browsers keep it, but ask before they show it again


class TokensView(APIView):
    @extend_schema(
        operation_id="payment_user_tokens",
        summary="The balance",
        description="Carries an `ETag`. With `If-None-Match` it answers 304 while nothing changed.",
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304]),
        ],
        responses={
            200: WalletSerializer,
            304: OpenApiResponse(description="Nothing has changed."),
        },
        tags=["payment"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        wallet = Wallet.objects.for_user(current_user(request).pk)
        etag = etag_of(wallet.pk, wallet.epoch, wallet.version)
        headers = {"ETag": etag, "Cache-Control": PRIVATE}
        response = Response(WalletSerializer(wallet).data, headers=headers)
        return get_conditional_response(request, etag=etag, response=response) or response


class TransactionsView(APIView):
    @extend_schema(
        operation_id="payment_user_transactions",
        summary="The history of the balance, newest first",
        description=(
            "Without `kind`: the entries that changed the balance. `kind=all` adds holds and "
            "releases, which only reserve tokens. `next` stays valid while new entries arrive: "
            "no entry is missed or comes twice."
        ),
        parameters=[HistoryQuery],
        responses={
            200: EntryPageSerializer,
            422: OpenApiResponse(ERROR, description="Unknown kind, or not a cursor."),
        },
        tags=["payment"],
    )
    def get(self, request: Request) -> Response:
        query = HistoryQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        chosen: dict[str, Any] = query.validated_data
        page = history.read(
            user_id=current_user(request).pk,
            kind=chosen.get("kind", history.POSTED),
            before=chosen.get("cursor"),
            limit=PAGE_SIZE,
        )
        following = None
        if page.older is not None:
            following = replace_query_param(request.build_absolute_uri(), "cursor", page.older)
        answer = EntryPageSerializer({"results": page.entries, "next": following})
        return Response(answer.data, headers={"Cache-Control": PRIVATE})
