"""Ledger entries: finding, reading, and the double entry report."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User
from intellispark.readonly_admin import ReadOnlyAdmin
from payments.admin.report import report_view
from payments.ledger.descriptions import describe
from payments.ledger.history import Row
from payments.ledger.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "person",
        "kind",
        "change",
        "balance_after",
        "actor",
        "about",
    )
    list_display_links = ("created_at",)
    list_filter = ("kind", "created_at")
    allowed_lookups = ("wallet",)  # the wallet's page leads to its entries
    list_select_related = ("wallet__user", "actor")
    search_fields = (
        "wallet__user__username",
        "=wallet__user__email",
        "key",
        "reference",
        "reason",
    )
    search_help_text = _("Username, full e-mail, key, reference or reason")
    ordering = ("-id",)  # by the primary key's index: nearly the order of time
    fields = (
        ("person", "version", "epoch"),
        ("kind", "created_at"),
        ("amount", "balance_after"),
        ("held_change", "held_after"),
        ("description", "reference"),
        ("actor", "reason"),
        ("key", "op"),
        ("hold", "reverses"),
        ("expires_at", "lot"),
    )

    def get_urls(self) -> list[URLPattern]:
        report = path(
            "report/",
            self.admin_site.admin_view(self.report_view),
            name="payments_ledgerentry_report",
        )
        return [report, *super().get_urls()]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return report_view(self.admin_site, request, self.media)

    @admin.display(description=_("user"), ordering="wallet__user__username")
    def person(self, entry: LedgerEntry) -> User:
        return entry.wallet.user

    @admin.display(description=_("tokens"), ordering="amount")
    def change(self, entry: LedgerEntry) -> str:
        return Row(entry).change

    @admin.display(description=_("description, reason"))
    def about(self, entry: LedgerEntry) -> str:
        return ": ".join(filter(None, [describe(entry), entry.reason]))
