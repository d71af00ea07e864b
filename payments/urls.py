"""Paths under `/payment/`."""

from django.urls import include, path

from payments.views import pages as views

urlpatterns = [
    path("", views.payment, name="payment"),
    path("history/", views.history, name="payment-history"),
    path("outlook/", views.expiry, name="payment-expiry"),
    path("checkout/", views.checkout, name="payment-checkout"),
    path("sandbox/", include("payments.billing.gateways.sandbox.urls")),
]
