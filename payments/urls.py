"""Paths under `/payment/`."""

from django.urls import path

from payments import views

urlpatterns = [
    path("", views.payment, name="payment"),
    path("history/", views.history, name="payment_history"),
    path("outlook/", views.outlook, name="payment_outlook"),
    path("checkout/", views.checkout, name="payment_checkout"),
    path("sandbox/<uuid:purchase_id>/", views.sandbox, name="sandbox"),
]
