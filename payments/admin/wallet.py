"""Wallets: read only, except for "Adjust tokens" and "Write off debt"."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.requests import current_user
from intellispark.accounts.rights import may_act_on
from intellispark.readonly_admin import ReadOnlyAdmin
from intellispark.text import grouped
from payments.admin import past
from payments.admin.adjust import AdjustForm, EntryForm, WriteOffForm
from payments.errors import EntryConflict, InsufficientTokens, InvariantViolated
from payments.ledger.history import Row
from payments.ledger.models import LedgerEntry, Wallet


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("user", "email", "balance", "held", "available", "debt", "version", "history")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    search_help_text = _("Username or e-mail")
    ordering = ("user__username",)
    fieldsets = (
        (None, {"fields": ("user", "email", "available", "balance", "held", "debt", "history")}),
        (_("Record"), {"fields": ("version", "epoch", "next_expiry", "created_at", "updated_at")}),
    )

    @admin.display(description=_("e-mail"), ordering="user__email")
    def email(self, wallet: Wallet) -> str:
        return wallet.user.email

    @admin.display(description=_("available"))
    def available(self, wallet: Wallet) -> int:
        return wallet.available

    @admin.display(description=_("debt"))
    def debt(self, wallet: Wallet) -> int:
        return wallet.debt

    @admin.display(description=_("entries"))
    def history(self, wallet: Wallet) -> str:
        address = reverse("admin:payments_ledgerentry_changelist", current_app=self.admin_site.name)
        return format_html('<a href="{}?wallet={}">{}</a>', address, wallet.pk, _("Show"))

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "adjust": self.adjust_view,
            "write_off": self.write_off_view,
            "past": self.past_view,
            "export": self.export_view,
        }
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"payments_wallet_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        wallet = self._wallet(unquote(object_id))
        extra = {
            **(extra_context or {}),
            "may_adjust": self._may_adjust(request, wallet),
            "subtitle": str(wallet.user),
        }
        return super().change_view(request, object_id, form_url, extra)

    def adjust_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A form for a signed amount and a reason; afterwards back to the wallet."""
        return self._entry_view(request, object_id, AdjustForm)

    def write_off_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A form for the amount of debt to forgive, at first all of it, and a reason."""
        return self._entry_view(request, object_id, WriteOffForm)

    def past_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return past.past_view(self.admin_site, request, self._wallet(unquote(object_id)))

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        if not (self.has_view_permission(request) and past.may_export(request)):
            raise PermissionDenied
        wallet = self._wallet(unquote(object_id))
        return past.export_view(request, wallet) or redirect(
            "admin:payments_wallet_past", wallet.pk
        )

    def _entry_view(
        self, request: HttpRequest, object_id: str, form_class: type[EntryForm]
    ) -> HttpResponse:
        wallet = self._wallet(unquote(object_id))
        if not self._may_adjust(request, wallet):
            raise PermissionDenied
        initial = {"tokens": wallet.debt} if form_class is WriteOffForm else {}
        form = form_class(request.POST or None, initial=initial)
        if form.is_valid() and self._write(request, wallet, form):
            return redirect("admin:payments_wallet_change", wallet.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": form.title,
            "subtitle": str(wallet.user),
            "wallet": wallet,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/payments/wallet/adjust.html", context)

    def _write(self, request: HttpRequest, wallet: Wallet, form: EntryForm) -> bool:
        """Write the entry, unless this form already did; False when the form has an error now."""
        try:
            with transaction.atomic():
                # The lock makes the second of two clicks wait, and then find the first one's entry.
                Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)
                is_repeated = LedgerEntry.objects.filter(wallet_id=wallet.pk, key=form.key).exists()
                entry = form.post(wallet=wallet, actor=current_user(request))
                if not is_repeated:
                    self.log_change(request, wallet, form.log_message.format(**form.cleaned_data))
        except (EntryConflict, InsufficientTokens, InvariantViolated) as error:
            form.explain(error)
            return False
        tokens, balance = Row(entry).change, grouped(entry.balance_after)
        values = {"tokens": tokens, "user": wallet.user, "balance": balance}
        if is_repeated:
            sentence = _("This form was sent twice: %(tokens)s for %(user)s was recorded once.")
            self.message_user(request, sentence % values, messages.WARNING)
        else:
            self.message_user(request, form.success % values, messages.SUCCESS)
        return True

    def _may_adjust(self, request: HttpRequest, wallet: Wallet) -> bool:
        """The permission to change wallets means this, since nothing else changes one. Not one's
        own, and not those of staff: for these it takes a superuser."""
        permitted = request.user.has_perm("payments.change_wallet")
        return permitted and may_act_on(request.user, wallet.user)

    def _wallet(self, object_id: str) -> Wallet:
        try:
            return Wallet.objects.select_related("user").get(pk=UUID(object_id))
        except (ValueError, Wallet.DoesNotExist):
            raise Http404 from None
