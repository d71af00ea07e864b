"""The double entry report in the admin, as a page and as CSV."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from intellispark.dates import check_date
from payments.audit.consistent_read import one_snapshot
from payments.audit.double_entry import Columns, Report, build
from payments.ledger.lots import SOURCES, LotMismatch
from payments.ledger.models import LedgerEntry


class PeriodForm(forms.Form):
    """Days in UTC, both included."""

    first = forms.DateField(
        label=_("First day (UTC)"), widget=AdminDateWidget, validators=[check_date]
    )
    last = forms.DateField(
        label=_("Last day (UTC)"), widget=AdminDateWidget, validators=[check_date]
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        if "first" in cleaned and "last" in cleaned and cleaned["last"] < cleaned["first"]:
            raise ValidationError(_("The period ends before it begins."))
        return cleaned

    def report(self) -> Report:
        with one_snapshot():
            return build(
                start=_midnight(self.cleaned_data["first"]),
                end=_midnight(self.cleaned_data["last"] + timedelta(days=1)),
            )


def report_view(site: admin.AdminSite, request: HttpRequest, media: forms.Media) -> HttpResponse:
    """The form, and the report once it is sent. The form proposes this month."""
    is_sent = "first" in request.GET
    today = datetime.now(UTC).date()
    form = PeriodForm(
        request.GET if is_sent else None, initial={"first": today.replace(day=1), "last": today}
    )
    report = None
    if form.is_valid():
        try:
            report = form.report()
        except LotMismatch as error:
            sentence = _("The ledger is inconsistent: %(what)s. Run check_ledger.")
            messages.error(request, sentence % {"what": error})
    if report and request.GET.get("format") == "csv":
        return _csv(report, form)
    context = {
        **site.each_context(request),
        "opts": LedgerEntry._meta,
        "title": _("Double entry report"),
        "form": form,
        "media": media + form.media,
        "report": report,
        "rows": report and _rows(report),
        "balances": report and not any(report.proof.values()),
        "csv_url": f"?{request.GET.urlencode()}&format=csv",
    }
    return TemplateResponse(request, "admin/payments/ledgerentry/report.html", context)


def _rows(report: Report) -> list[tuple[str, str, list[int]]]:
    """Name, kind, and the numbers with their total: the wallets first, the sum of all last."""
    kinds = dict(LedgerEntry.Kind.choices)
    return [
        (str(_("Wallets, opening")), "", _numbers(report.opening)),
        (str(_("Wallets, change")), "", _numbers(report.change)),
        (str(_("Wallets, closing")), "", _numbers(report.closing)),
        *(
            (name, str(kinds.get(kind, "")), _numbers(columns))
            for name, kind, columns in report.rows()
        ),
        (str(_("Sum of change and accounts")), "", _numbers(report.proof)),
    ]


def _numbers(columns: Columns) -> list[int]:
    return [*(columns[source] for source in SOURCES), sum(columns.values())]


def _csv(report: Report, form: PeriodForm) -> HttpResponse:
    first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    name = f"double-entry-{first}-to-{last}.csv"
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(response)
    writer.writerow(["line", "kind", *SOURCES, "total"])
    for name, kind, numbers in _rows(report):
        writer.writerow([name, kind, *numbers])
    return response


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
