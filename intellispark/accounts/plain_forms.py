"""django-allauth's forms with our labels, and with the rules for passwords in one line."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intellispark.accounts import attempts, passwords
from intellispark.accounts.models import User
from intellispark.text import StrOrPromise


class PlainFieldsMixin(forms.BaseForm):
    """Drops placeholders, which repeat the labels; sets labels and the password's help text."""

    labels: dict[str, StrOrPromise] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {"email": _("E-mail address"), **self.labels}
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = labels.get(name, field.label)
            if name == "password1":
                field.help_text = _("At least 8 characters, hard to guess.")


class LoginForm(PlainFieldsMixin, allauth.LoginForm):
    labels = {"login": _("Username or e-mail address")}

    def clean_login(self) -> str:
        """As it is stored: allauth may write to the address that was typed to sign in."""
        stored: str = get_adapter().as_stored(super().clean_login())
        return stored


class ChangePasswordForm(PlainFieldsMixin, allauth.ChangePasswordForm):
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("Repeat the new password"),
    }

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise forms.ValidationError(_("Wrong password."), code="wrong")
        return password


class ReauthenticateForm(PlainFieldsMixin, allauth.ReauthenticateForm):
    pass


class ResetPasswordForm(PlainFieldsMixin, allauth.ResetPasswordForm):
    users: list[User]

    def clean_email(self) -> str:
        """The address as it is looked up: it is also the one that is counted and mailed."""
        self.cleaned_data["email"] = get_adapter().clean_email(self.cleaned_data["email"])
        email: str = super().clean_email()
        return email

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        """Counted for known and unknown addresses alike. Raises RateLimited.

        The suspended get no mail: they could not use the link, and read why when they sign in.
        """
        email: str = self.cleaned_data["email"]
        attempts.count_mail(request, email)
        found, self.users = self.users, [user for user in self.users if not user.is_suspended]
        return email if found and not self.users else super().save(request, **kwargs)


class ResetPasswordKeyForm(PlainFieldsMixin, allauth.ResetPasswordKeyForm):
    labels = {
        "password1": _("New password"),
        "password2": _("Repeat the new password"),
    }

    def save(self) -> None:
        passwords.reset(user=self.user, password=self.cleaned_data["password1"], key=self.temp_key)
