"""Paths under `/api/payment/`."""

from django.urls import path

from payments.api.purchases import CheckoutView, PacksView, PurchaseView
from payments.api.user import TokensView, TransactionsView

urlpatterns = [
    path("user/tokens", TokensView.as_view(), name="api_tokens"),
    path("user/transactions", TransactionsView.as_view(), name="api_transactions"),
    path("packs", PacksView.as_view(), name="api_packs"),
    path("checkout", CheckoutView.as_view(), name="api_checkout"),
    path("purchases/<uuid:purchase_id>", PurchaseView.as_view(), name="api_purchase"),
]
