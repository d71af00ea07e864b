"""Where we change what django-allauth does: its sentences, suspension, names, and mail."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User
from intellispark.api.addresses import client_address

logger = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """allauth's adapter. Its `is_safe_url` follows `next` within this site only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_taken": _("That username is taken."),
        "email_taken": _("That e-mail already has an account."),
        "username_password_mismatch": _("Wrong username or password."),
        "email_password_mismatch": _("Wrong e-mail or password."),
        "username_blacklisted": _("That username is reserved."),
    }

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Show suspended people why they get no further, but only after the right password."""
        if user.is_suspended:
            clear_login(request)
            return render(request, "accounts/suspended.html", status=403)
        return super().pre_login(request, user, **kwargs)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse `@`: a name must not look like somebody else's e-mail address."""
        if "@" in username:
            raise ValidationError(_("A username cannot contain @."), code="at")
        return super().clean_username(username, shallow)

    def clean_email(self, email: str) -> str:
        """The address in lower case, so that a capital letter does not make a second account."""
        return super().clean_email(email.lower())

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail, in the name of IntelliSpark and not of the host that the request came to.

        When the mail server cannot be reached, log it: a sign-up must not end in an error page.
        """
        site = get_current_site(self.request)
        site.name = "IntelliSpark"
        try:
            super().send_mail(template_prefix, email, {**context, "current_site": site})
        except (SMTPException, OSError) as error:
            logger.error("mail.failed", template=template_prefix, error=repr(error))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The settings page, which links to the form; allauth would show the empty form again."""
        return reverse("settings")

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)
