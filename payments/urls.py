"""Paths under `/payment/`."""

from django.urls import include, path

from payments.views.checkout import checkout
from payments.views.expiry import expiry
from payments.views.history import history
from payments.views.tokens import tokens

urlpatterns = [
    path("", tokens, name="payment"),
    path("history/", history, name="payment-history"),
    path("outlook/", expiry, name="payment-expiry"),
    path("checkout/", checkout, name="payment-checkout"),
    path("sandbox/", include("payments.billing.gateways.sandbox.urls")),
]
