"""The history of a person's own balance."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from intellispark.accounts.requests import current_user
from intellispark.api.schema import ERROR
from payments.api.serializers import EntryPageSerializer, HistoryQuery
from payments.api.tokens import HEADERS
from payments.ledger import history

PAGE_SIZE = 50


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
        chosen: dict[str, Any] = query.validated_data  # of the types that HistoryQuery says
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
        return Response(answer.data, headers=HEADERS)
