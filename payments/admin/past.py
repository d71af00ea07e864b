"""A wallet's past in the admin: its balance at any time or version, and its entries as a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from payments.audit.export import CONTENT_TYPES, lines, parts, select
from payments.ledger.history import balance_at
from payments.ledger.models import Wallet


class PastForm(forms.Form):
    """At least one of the two; with both, what comes first."""

    at = forms.DateTimeField(
        label=_("Time (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-01-31 12:00", "size": 20}),
    )
    version = forms.IntegerField(
        label=_("Version"), required=False, min_value=0, max_value=2**63 - 1
    )


class ExportForm(forms.Form):
    from_version = forms.IntegerField(
        label=_("From version"), initial=1, min_value=1, max_value=2**63 - 1
    )
    form = forms.ChoiceField(
        label=_("Format"), choices=[("csv", "CSV"), ("ndjson", "NDJSON")], initial="csv"
    )


def past_view(site: admin.AdminSite, request: HttpRequest, wallet: Wallet) -> HttpResponse:
    """The balance at the time or version that was asked for, and a form for the export."""
    asked = any(request.GET.get(name) for name in ("at", "version"))
    form = PastForm(request.GET if asked else None)
    found: Any = None
    if form.is_valid():
        found = balance_at(user_id=wallet.pk, **form.cleaned_data)
    context = {
        **site.each_context(request),
        "opts": Wallet._meta,
        "title": _("History and export"),
        "subtitle": str(wallet.user),
        "wallet": wallet,
        "form": form,
        "export_form": ExportForm(),
        "found": found,
    }
    return TemplateResponse(request, "admin/payments/wallet/past.html", context)


def export_view(request: HttpRequest, wallet: Wallet) -> StreamingHttpResponse | None:
    """The file, streamed; None when the form was filled in with nonsense."""
    form = ExportForm(request.GET)
    if not form.is_valid():
        return None
    asked: dict[str, Any] = {
        "wallet_id": wallet.pk,
        "from_version": form.cleaned_data["from_version"],
    }
    shape = form.cleaned_data["form"]
    content: Any = (
        parts(**asked, form=shape)
        if isinstance(request, ASGIRequest)
        else lines(select(**asked), shape)
    )
    name = f"ledger-{wallet.pk}-from-{asked['from_version']}.{shape}"
    return StreamingHttpResponse(
        content,
        content_type=CONTENT_TYPES[shape],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
