"""The rules for names, addresses and passwords. Pages and API both go through these forms."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User
from intellispark.accounts.plain_forms import PlainFieldsMixin


class Taken(Exception):
    """The name or address was taken between the form's check and the insert."""


class TakenMixin(forms.BaseForm):
    """Names the taken field when the database refuses a row that the form had accepted."""

    def add_taken_errors(self, error: Exception) -> None:
        """Check the unique fields again; re-raise `error` when neither of them is taken."""
        for name in ("username", "email"):
            try:
                getattr(self, f"clean_{name}")()
            except forms.ValidationError as refusal:
                self.add_error(name, refusal)
        if not self.errors:
            raise error


class SignupForm(PlainFieldsMixin, TakenMixin, AllauthSignupForm):
    """Name, e-mail address and password of a new account."""

    def validate_unique_email(self, value: str) -> str:
        """Refuse a taken address openly, as the API does and as the check of the name has to."""
        if email_taken(value):
            raise get_adapter().validation_error("email_taken")
        return value

    def save(self, request: HttpRequest) -> User:
        """Make the account, its wallet and its welcome tokens, or nothing of it. Raises Taken."""
        try:
            with transaction.atomic():
                return super().save(request)
        except IntegrityError as error:
            raise Taken from error


class ChangeEmailForm(PlainFieldsMixin, AddEmailForm):
    """Asks for another address. The current one stays, confirmed or not, until the new one is
    confirmed.

    allauth's own form first removes every unconfirmed address, which could be the only one.
    """

    labels = {"email": _("New address")}

    def save(self, request: HttpRequest) -> EmailAddress:
        with transaction.atomic():
            addresses = EmailAddress.objects.filter(user=self.user)
            addresses.filter(verified=False, primary=False).delete()
            pending: EmailAddress = addresses.create(
                user=self.user, email=self.cleaned_data["email"]
            )
        send_verification_email_to_address(request, pending)
        return pending


class ProfileForm(TakenMixin, forms.ModelForm):
    """What people may change about themselves."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("Browser default")), ("en", "English"), ("zh-hans", "简体中文")],
    )

    class Meta:
        model = User
        fields = ["username", "email", "language"]
        labels = {"username": _("Username"), "email": _("E-mail address")}
        help_texts = {"username": ""}

    def clean_username(self) -> str:
        username: str = get_adapter().clean_username(self.cleaned_data["username"], shallow=True)
        others = User.objects.exclude(pk=self.instance.pk)
        if others.filter(username__iexact=username).exists():
            raise get_adapter().validation_error("username_taken")
        return username

    def clean_email(self) -> str:
        email: str = get_adapter().clean_email(self.cleaned_data["email"])
        if email_taken(email, except_user=self.instance):
            raise get_adapter().validation_error("email_taken")
        return email

    def save_profile(self, request: HttpRequest) -> User:
        """Save the changes; mail a confirmation link to a new address. Raises Taken."""
        email_changed = "email" in self.changed_data
        try:
            with transaction.atomic():
                user = self.save(commit=False)
                user.save(update_fields=["username", "email", "language"])
                if email_changed:
                    EmailAddress.objects.filter(user=user).delete()
                    address = EmailAddress.objects.create(
                        user=user, email=user.email, primary=True, verified=False
                    )
        except IntegrityError as error:
            raise Taken from error
        if email_changed:
            address.send_confirmation(request)
        return user


class CloseAccountForm(forms.Form):
    """Asks for the password once more before the account is closed."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self._user.check_password(password):
            raise forms.ValidationError(_("Wrong password."), code="wrong")
        return password


def email_taken(email: str, *, except_user: User | None = None) -> bool:
    """Whether another account has the address, or has confirmed it as a second one."""
    of_others = ~Q(pk=except_user.pk) if except_user else Q()
    verified = EmailAddress.objects.filter(email__iexact=email, verified=True)
    if except_user:
        verified = verified.exclude(user=except_user)
    return User.objects.filter(of_others, email__iexact=email).exists() or verified.exists()


def language_choices() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]
