"""A wallet's past in the admin: its balance at any time or version, and its entries as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from django import forms
from django.contrib import admin
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.long_answers import identity_of, while_valid
from intellispark.dates import check_date
from payments.audit.export import CONTENT_TYPES, lines, parts, select
from payments.ledger.history import balance_at
from payments.ledger.models import Wallet


class PastForm(forms.Form):
    """A time or a version; with both, the earlier of the two counts."""

    at = forms.DateTimeField(
        label=_("Time (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-01-31 12:00", "size": 20}),
        validators=[check_date],
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


def may_export(request: HttpRequest) -> bool:
    """The file is all of the entries: whoever sees them in their list may have it."""
    return request.user.has_perm("payments.view_ledgerentry")


def past_view(site: admin.AdminSite, request: HttpRequest, wallet: Wallet) -> HttpResponse:
    """The balance at the chosen time or version, and a form for the export, for whom may export."""
    is_sent = any(request.GET.get(name) for name in ("at", "version"))
    form = PastForm(request.GET if is_sent else None)
    found = None
    if form.is_valid():
        found = balance_at(user_id=wallet.pk, **form.cleaned_data)
    context = {
        **site.each_context(request),
        "opts": Wallet._meta,
        "title": _("History and export"),
        "subtitle": str(wallet.user),
        "wallet": wallet,
        "form": form,
        "export_form": ExportForm() if may_export(request) else None,
        "found": found,
    }
    return TemplateResponse(request, "admin/payments/wallet/past.html", context)


def export_view(request: HttpRequest, wallet: Wallet) -> StreamingHttpResponse | None:
    """The file, streamed; None when the form is not valid."""
    form = ExportForm(request.GET)
    if not form.is_valid():
        return None
    first: int = form.cleaned_data["from_version"]
    file_format = form.cleaned_data["form"]
    content: AsyncIterator[str] | Iterator[str] = (
        while_valid(
            identity_of(request), parts(wallet_id=wallet.pk, from_version=first, form=file_format)
        )
        if isinstance(request, ASGIRequest)
        else lines(select(wallet_id=wallet.pk, from_version=first), file_format)
    )
    name = f"ledger-{wallet.pk}-from-{first}.{file_format}"
    return StreamingHttpResponse(
        content,
        content_type=CONTENT_TYPES[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
