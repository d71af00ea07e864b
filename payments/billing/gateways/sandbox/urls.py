"""Paths under `/payment/sandbox/`."""

from django.urls import path

from payments.billing.gateways.sandbox import views

urlpatterns = [path("<uuid:purchase_id>/", views.sandbox, name="sandbox")]
