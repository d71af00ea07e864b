"""The admin's forms for people. Their rules are those of the pages; their writers too."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)

from intellispark.accounts import emails, names, passwords
from intellispark.accounts.models import User


class NameAndAddressMixin(forms.ModelForm):
    """Whichever of the two a form has."""

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if name == self.initial.get("username"):
            return name
        return names.clean_name(name, owner=self.instance if self.instance.pk else None)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email == self.initial.get("email"):
            return email
        email = get_adapter().clean_email(email)
        known = User.objects.filter(pk=self.instance.pk).first()
        if emails.is_taken(email, except_user=known):
            raise get_adapter().validation_error("email_taken")
        return email


class NewUserForm(NameAndAddressMixin, AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("username", "email")
        field_classes = {"username": forms.CharField}


class ChangeUserForm(NameAndAddressMixin, UserChangeForm):
    """The address is not set on the person here: `emails.replace` does it, in `save_model`."""

    class Meta:
        model = User
        fields = ("username", "email", "language")  # the admin adds its own
        field_classes = {"username": forms.CharField}

    def _post_clean(self) -> None:
        wanted = self.cleaned_data.pop("email", None)
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if wanted is not None:
            self.cleaned_data["email"] = wanted


class SetPasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> User:
        """The person, with the new password or none, who is told."""
        wanted = self.cleaned_data["set_usable_password"]
        passwords.set_by_admin(
            user=self.user, password=self.cleaned_data["password1"] if wanted else None
        )
        get_adapter().send_notification_mail("account/email/password_changed", self.user)
        user: User = self.user
        return user
