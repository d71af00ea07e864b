"""django-allauth's forms with our labels, and with the rules for passwords in one line."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import gettext_lazy as _


class PlainFieldsMixin(forms.BaseForm):
    """Drops placeholders, which repeat the labels; sets labels and the password's help text."""

    labels: dict[str, Any] = {}

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


class ChangePasswordForm(PlainFieldsMixin, allauth.ChangePasswordForm):
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("Repeat the new password"),
    }


class ResetPasswordForm(PlainFieldsMixin, allauth.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(PlainFieldsMixin, allauth.ResetPasswordKeyForm):
    labels = {
        "password1": _("New password"),
        "password2": _("Repeat the new password"),
    }
