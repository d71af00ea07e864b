"""Where we change what django-allauth does: its sentences, suspension, names, and mail."""

from __future__ import annotations

from collections.abc import Iterable
from smtplib import SMTPException

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts import attempts, devices, email_messages, emails, names, passwords
from intellispark.accounts.models import User
from intellispark.api.addresses import client_address
from intellispark.api.errors import RateLimited

NOTICES = {
    f"account/email/{name}"
    for name in ("address_changed", "password_changed", "password_reset", "password_set")
}
"""Mails that tell of a change. Each follows a counted check, and must not fail to come because
somebody has filled the recipient's window before."""

logger = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """allauth's adapter. Its `is_safe_url` follows `next` within this site only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_taken": _("That e-mail already has an account."),
        "username_password_mismatch": _("Wrong username or password."),
        "email_password_mismatch": _("Wrong e-mail or password."),
    }

    def authenticate(self, request: HttpRequest, **credentials: str) -> User | None:
        """Whose password that is; also a closed account's. Raises RateLimited.

        All sign-ins, by page and API, come through here and are counted before the password is
        looked at: for the address, and for each account that the name may mean.
        """
        for field in {"username", "email"} & credentials.keys():
            credentials[field] = _as_stored(credentials[field])
        typed = {credentials.get("username") or "", credentials.get("email") or ""} - {""}
        attempt = attempts.count_sign_in(request, accounts=_accounts(typed), typed=typed)
        user: User | None = super().authenticate(request, **credentials)
        if user:
            attempt.succeeded()
        return user

    def reauthenticate(self, user: User, password: str) -> bool:
        """The same for somebody who is signed in: on allauth's page and in its forms."""
        return passwords.check(self.request, user, password)

    def set_password(self, user: User, password: str) -> None:
        passwords.change(user=user, password=password)

    def pre_login(self, request: HttpRequest, user: User, **kwargs: object) -> HttpResponse | None:
        """Show suspended people why they get no further, but only after the right password."""
        if user.is_suspended:
            clear_login(request)
            return render(request, "accounts/suspended.html", status=403)
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def post_login(self, request: HttpRequest, user: User, **kwargs: object) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        devices.remember(request, response, user)
        return response

    def clean_username(self, username: str, shallow: bool = False) -> str:
        return names.clean_name(username)

    def clean_email(self, email: str) -> str:
        try:
            return emails.clean_address(email)
        except emails.NotAnAddress as error:
            raise ValidationError(_("Enter a valid email address."), code="invalid") from error

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: EmailConfirmation
    ) -> str:
        """Our own link in place of allauth's, which outlives a change of password."""
        address = emailconfirmation.email_address
        return email_messages.confirmation_url(address.user, address.email)

    def should_send_confirmation_mail(
        self, request: HttpRequest, email_address: EmailAddress, signup: bool
    ) -> bool:
        """Not when there were too many: the account is made all the same, and asks again later."""
        return self.may_send(email_address.email)

    def send_account_already_exists_mail(self, email: str) -> None:
        if self.may_send(email):
            super().send_account_already_exists_mail(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """The way of all mails. What somebody asked for is counted; raises RateLimited.

        A mail server that is away must not turn a sign-up into an error page. Mails introduce
        themselves by our name, not by the host that the request came to.
        """
        if template_prefix not in NOTICES:
            attempts.count_mail(self.request, email)
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

    def may_send(self, email: str) -> bool:
        """Counts a mail that goes out beside something else, which too many do not stop."""
        try:
            attempts.count_mail(self.request, email)
        except RateLimited:
            return False
        return True


def _as_stored(login: str) -> str:
    """What was typed to sign in, in the form that names and addresses are stored in."""
    login = names.normalized(login)
    try:
        return emails.clean_address(login) if "@" in login else login
    except emails.NotAnAddress:
        return login


def _accounts(typed: Iterable[str]) -> list[User]:
    """Whose password may be meant."""
    meant = Q(pk=None)
    for login in typed:
        meant |= Q(username__iexact=login) | Q(email__iexact=login)
    return list(User.objects.filter(meant))
