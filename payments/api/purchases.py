"""The price list, buying a pack, and the state of a purchase."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from intellispark.accounts.requests import current_user
from intellispark.api.body import body_of
from intellispark.api.idempotency import client_key
from intellispark.api.lookups import get_by_id
from intellispark.api.schema import ERROR, IDEMPOTENCY_KEY
from payments.api.serializers import (
    CheckoutAnswerSerializer,
    CheckoutSerializer,
    PackListSerializer,
    PurchaseSerializer,
)
from payments.billing.catalogue import PACKS
from payments.billing.checkout import start_checkout
from payments.billing.models import Purchase


class PacksView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="payment_packs",
        summary="The price list",
        responses=PackListSerializer,
        tags=["payment"],
    )
    def get(self, request: Request) -> Response:
        return Response(PackListSerializer({"results": PACKS.values()}).data)


class CheckoutView(APIView):
    @extend_schema(
        operation_id="payment-checkout",
        summary="Start the purchase of a pack",
        description="Answers with the page where the person pays. A repeated key buys one pack.",
        parameters=[IDEMPOTENCY_KEY],
        request=CheckoutSerializer,
        responses={
            201: CheckoutAnswerSerializer,
            409: OpenApiResponse(ERROR, description="The key was used for another pack."),
            403: OpenApiResponse(ERROR, description="This site sells no tokens, or suspended."),
            503: OpenApiResponse(ERROR, description="The payment provider cannot be reached."),
        },
        tags=["payment"],
    )
    def post(self, request: Request) -> Response:
        key, pack = client_key(request), body_of(request).get("pack")
        purchase, url = start_checkout(
            user=current_user(request),
            pack=pack,
            return_url=request.build_absolute_uri(reverse("payment")),
            key=key,
        )
        return Response({"purchase_id": str(purchase.pk), "url": url}, status=201)


class PurchaseView(APIView):
    @extend_schema(
        operation_id="payment_purchase",
        summary="Read a purchase",
        responses=PurchaseSerializer,
        tags=["payment"],
    )
    def get(self, request: Request, purchase_id: UUID) -> Response:
        purchase = get_by_id(Purchase.objects.owned_by(current_user(request)), purchase_id)
        return Response(PurchaseSerializer(purchase).data)
