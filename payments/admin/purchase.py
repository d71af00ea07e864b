"""Purchases: finding and reading."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from intellispark.readonly_admin import ReadOnlyAdmin
from payments.billing.catalogue import money
from payments.billing.models import Purchase


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "pack", "tokens", "price", "gateway", "status")
    list_filter = ("status", "pack", "gateway", "created_at")
    list_select_related = ("user",)
    search_fields = ("id", "user__username", "=user__email")
    search_help_text = _("Purchase id, username or full e-mail")
    fields = (
        "id",
        "user",
        ("pack", "tokens", "price"),
        ("gateway", "status"),
        "entry",
        ("created_at", "updated_at"),
    )

    @admin.display(description=_("price"), ordering="price_cents")
    def price(self, purchase: Purchase) -> str:
        return money(purchase.price_cents, purchase.currency)
