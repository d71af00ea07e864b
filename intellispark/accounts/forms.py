"""The rules for names, addresses and passwords. Pages and API both go through these forms."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intellispark.accounts import attempts, emails, names
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import User
from intellispark.accounts.plain_forms import PlainFieldsMixin


class Taken(Exception):
    """The name or address was taken between the form's check and the insert."""


class TakenMixin(forms.BaseForm):
    """Names the taken field when the database refuses a row that the form had accepted."""

    def add_taken_errors(self, error: Exception) -> None:
        """Check the unique fields again; re-raise where they were not what went wrong."""
        for name in {"username", "email"} & self.fields.keys():
            try:
                getattr(self, f"clean_{name}")()
            except forms.ValidationError as refusal:
                self.add_error(name, refusal)
        if not self.errors:
            raise error


class SignupForm(PlainFieldsMixin, TakenMixin, AllauthSignupForm):
    """Name, e-mail address and password of a new account."""

    def validate_unique_email(self, value: str) -> str:
        """Says openly that an address is taken, as the name's check must, unless nobody is to
        learn who has an account: then it passes, and the mail says it."""
        if not emails.hides_accounts() and emails.is_taken(value):
            raise get_adapter().validation_error("email_taken")
        return value

    def register(self, request: HttpRequest) -> User:
        """The account, with the mail to its address. For the API, which begins no session. Raises
        Taken."""
        user = self.save(request)
        emails.ask_to_confirm(user)
        return user

    def save(self, request: HttpRequest) -> User:
        """The account, with its wallet and welcome tokens, or nothing. Raises Taken."""
        adapter = get_adapter()
        try:
            with transaction.atomic():
                user: User = adapter.new_user(request)
                adapter.save_user(request, user, self, commit=False)
                if emails.hides_accounts():
                    emails.sign_up(user)
                else:
                    user.save()
        except IntegrityError as error:
            raise Taken from error
        return user


class ProfileForm(TakenMixin, forms.ModelForm):
    """What people may change about themselves without more ado."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("Browser default")), ("en", "English"), ("zh-hans", "简体中文")],
    )

    class Meta:
        model = User
        fields = ["username", "language"]
        labels = {"username": _("Username")}
        help_texts = {"username": ""}

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if name == self.initial["username"]:  # given before today's rules, perhaps
            return name
        return names.clean_name(name, owner=self.instance)

    def save_profile(self) -> User:
        """The changed person. Raises Taken; NotSignedIn where the account was closed meanwhile."""
        try:
            with transaction.atomic():
                lock_open_account(self.instance.pk, renames=True)
                user: User = self.save(commit=False)
                user.save()
        except IntegrityError as error:
            raise Taken from error
        return user


class PersonForm(forms.Form):
    """A form of somebody who is signed in."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def check_password(self, name: str) -> None:
        """The counted check of that field: an error on it where the password is wrong."""
        password = self.cleaned_data.get(name)
        if password and not get_adapter().reauthenticate(self.user, password):
            self.add_error(name, forms.ValidationError(_("Wrong password."), "wrong"))


class ChangeEmailForm(PersonForm):
    """The wish for another address. The one of today stays until the new one is confirmed."""

    email = forms.EmailField(
        label=_("New address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    current_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean_email(self) -> str:
        email: str = get_adapter().clean_email(self.cleaned_data["email"])
        if email == self.user.email.lower():
            raise forms.ValidationError(_("This is your address already."), code="same")
        if emails.is_taken(email, except_user=self.user) and not emails.hides_accounts():
            raise get_adapter().validation_error("email_taken")
        return email

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.check_password("current_password")
        return cleaned

    def save(self, request: HttpRequest) -> bool:
        """Keep the wish and send the mail. False, with the error, where it was taken just now."""
        email = self.cleaned_data["email"]
        attempts.count_mail(request, email)
        try:
            emails.request_change(user=self.user, email=email)
        except emails.AddressTaken:
            self.add_error("email", get_adapter().validation_error("email_taken"))
        return not self.errors


class CloseAccountForm(PersonForm):
    """The password, once more, before the account is closed."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean(self) -> dict[str, object]:
        self.check_password("password")
        return super().clean() or self.cleaned_data


def language_choices() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]
