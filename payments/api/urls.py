"""Paths under `/api/payment/`."""

from django.urls import path

from payments.api.purchases import CheckoutView, PacksView, PurchaseView
from payments.api.tokens import tokens
from payments.api.transactions import TransactionsView

urlpatterns = [
    path("user/tokens", tokens, name="api-tokens"),
    path("user/transactions", TransactionsView.as_view(), name="api-transactions"),
    path("packs", PacksView.as_view(), name="api-packs"),
    path("checkout", CheckoutView.as_view(), name="api-checkout"),
    path("purchases/<uuid:purchase_id>", PurchaseView.as_view(), name="api-purchase"),
]
