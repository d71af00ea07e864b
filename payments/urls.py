"""Paths under `/payment/`."""

from django.urls import include, path

from payments.views import pages as views

urlpatterns = [
    path("", views.payment, name="payment"),
    path("history/", views.history, name="payment_history"),
    path("outlook/", views.outlook, name="payment_outlook"),
    path("checkout/", views.checkout, name="payment_checkout"),
    path("sandbox/", include("payments.billing.gateways.sandbox.urls")),
]
