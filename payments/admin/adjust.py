"""The forms by which an admin writes an entry: "Adjust tokens" and "Write off debt"."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import ClassVar
from uuid import uuid4

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User
from intellispark.dates import check_date
from intellispark.db import database_now
from intellispark.text import StrOrPromise
from payments.errors import EntryConflict, InsufficientTokens, InvariantViolated
from payments.ledger import operations as ledger
from payments.ledger.models import LedgerEntry, Wallet

MOST = 1_000_000  # so that a typing error can still be taken back


class EntryForm(forms.Form):
    """The base of both. `form_key` is made with the form, so sending it twice writes one entry."""

    prefix_of_key: ClassVar[str]
    title: ClassVar[StrOrPromise]
    success: ClassVar[StrOrPromise]  # the message to the admin; with `tokens`, `user` and `balance`
    log_message: ClassVar[str]  # for the admin's log, in English; with `tokens` and `reason`

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LedgerEntry._meta.get_field("reason").max_length,
        help_text=_("Kept in the ledger with your name. The user can read it in their history."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    field_order = ("tokens", "expires_on", "reason")

    @property
    def key(self) -> str:
        return f"{self.prefix_of_key}:{self.cleaned_data['form_key']}"

    def post(self, *, wallet: Wallet, actor: User) -> LedgerEntry:
        """Write the entry. Raises the ledger's refusals; `explain` shows them on the form."""
        raise NotImplementedError

    def explain(self, error: EntryConflict | InsufficientTokens | InvariantViolated) -> None:
        """Add the refusal to the form's errors."""
        if isinstance(error, EntryConflict):
            sentence = _("This form was already sent with other values. Nothing else was changed.")
            self.add_error(None, ValidationError(sentence))
        elif isinstance(error, InsufficientTokens):
            sentence = _(
                "Only %(available)s can be taken: others are spent or reserved for replies."
            )
            self.add_error("tokens", ValidationError(sentence, params=error.data))
        else:
            raise error


class AdjustForm(EntryForm):
    """Gives or takes tokens; with a date, grants tokens that expire at the end of that UTC day."""

    prefix_of_key = "adj"
    title = _("Adjust tokens")
    success = _("Tokens adjusted: %(tokens)s for %(user)s. New balance: %(balance)s.")
    log_message = "Adjusted tokens by {tokens:+d}: {reason}"

    tokens = forms.IntegerField(
        label=_("Tokens"),
        min_value=-MOST,
        max_value=MOST,
        help_text=_("Positive to give, negative to take."),
        widget=forms.NumberInput(attrs={"autofocus": True, "class": "vIntegerField"}),
    )
    expires_on = forms.DateField(
        label=_("Expires after"),
        required=False,
        help_text=_("Optional, when giving tokens: what is left after this day (UTC) expires."),
        widget=AdminDateWidget,
        validators=[check_date],
    )

    def clean_tokens(self) -> int:
        tokens: int = self.cleaned_data["tokens"]
        if not tokens:
            raise ValidationError(_("Enter a number other than zero."))
        return tokens

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("expires_on") and (cleaned.get("tokens") or 1) < 0:
            self.add_error("expires_on", ValidationError(_("Only tokens you give can expire.")))
        elif self.expires_at and self.expires_at <= database_now():
            self.add_error("expires_on", ValidationError(_("This day has passed.")))
        return cleaned

    @property
    def expires_at(self) -> datetime | None:
        day = self.cleaned_data.get("expires_on")
        return datetime.combine(day + timedelta(days=1), time(), UTC) if day else None

    def post(self, *, wallet: Wallet, actor: User) -> LedgerEntry:
        tokens, reason = self.cleaned_data["tokens"], self.cleaned_data["reason"]
        if not self.expires_at:
            return ledger.adjust(
                wallet_id=wallet.pk, tokens=tokens, key=self.key, actor=actor, reason=reason
            )
        return ledger.grant(
            wallet_id=wallet.pk,
            tokens=tokens,
            key=self.key,
            actor=actor,
            reason=reason,
            expires_at=self.expires_at,
            description="Granted tokens",
        )


class WriteOffForm(EntryForm):
    """Forgives a debt or a part of it."""

    prefix_of_key = "wo"
    title = _("Write off debt")
    success = _("Debt written off: %(tokens)s for %(user)s. New balance: %(balance)s.")
    log_message = "Wrote off {tokens} tokens of debt: {reason}"

    tokens = forms.IntegerField(
        label=_("Tokens"),
        min_value=1,
        max_value=2**63 - 1,
        help_text=_("No more than the debt."),
        widget=forms.NumberInput(attrs={"autofocus": True, "class": "vIntegerField"}),
    )

    def post(self, *, wallet: Wallet, actor: User) -> LedgerEntry:
        return ledger.write_off(
            wallet_id=wallet.pk,
            tokens=self.cleaned_data["tokens"],
            key=self.key,
            actor=actor,
            reason=self.cleaned_data["reason"],
        )

    def explain(self, error: EntryConflict | InsufficientTokens | InvariantViolated) -> None:
        if (
            isinstance(error, InvariantViolated)
            and error.data.get("invariant") == "ledger_write_off"
        ):
            self.add_error("tokens", ValidationError(_("The debt is smaller than that.")))
        else:
            super().explain(error)
