"""Where we change what django-allauth does: its sentences, suspension, names, and mail."""

from __future__ import annotations

from collections.abc import Iterable
from smtplib import SMTPException
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress, EmailConfirmation
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts import attempts, devices, email_messages, emails, names, passwords
from intellispark.accounts.email_addresses import NOBODYS, NotAnAddress, clean_address
from intellispark.accounts.models import EmailChange, User
from intellispark.api.addresses import client_address
from intellispark.api.errors import RateLimited

NOTICES = {
    f"account/email/{name}"
    for name in ("address_changed", "password_changed", "password_reset", "password_set")
}
"""Mails that tell of a change. They must not fail to come because somebody has filled the
recipient's window before."""

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
            credentials[field] = self.as_stored(credentials[field])
        typed = {credentials.get("username") or "", credentials.get("email") or ""} - {""}
        attempt = attempts.count_sign_in(request, accounts=_accounts(typed), typed=typed)
        user: User | None = super().authenticate(request, **credentials)
        if user:
            attempt.succeeded(user)
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
            return clean_address(email)
        except NotAnAddress as error:
            raise ValidationError(_("Enter a valid email address."), code="invalid") from error

    def as_stored(self, login: str) -> str:
        """What was typed to sign in, in the form that names and addresses are stored in."""
        try:
            return clean_address(login) if "@" in login else names.normalized(login)
        except NotAnAddress:
            return names.normalized(login)

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: EmailConfirmation
    ) -> str:
        """Our own link in place of allauth's, which outlives a change of password."""
        address = emailconfirmation.email_address
        return email_messages.confirmation_url(address.user, address.email)

    def should_send_confirmation_mail(
        self, request: HttpRequest, email_address: EmailAddress, signup: bool
    ) -> bool:
        """Never: we send it ourselves, and say so as allauth would. Where there were too many, none
        is sent; the account is made all the same, and asks again later."""
        email = emails.ask_to_confirm(email_address.user)
        if email:
            context = {"email": email, "signup": signup, "login": not signup}
            sent = "account/messages/email_confirmation_sent.txt"
            self.add_message(request, messages.INFO, sent, context)
        return False

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, object]) -> None:
        """To the account's own address, whatever was typed. A name is what anybody may have chosen
        to be read there, so it is named to whoever has confirmed the address."""
        context["username"] = user.username if emails.is_confirmed(user) else ""
        super().send_password_reset_mail(user, user.email, context)

    def send_account_already_exists_mail(self, email: str) -> None:
        if self.may_send(email):
            super().send_account_already_exists_mail(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """The way of all mails. What somebody asked for is counted; raises RateLimited.

        A mail server that is away must not turn a sign-up into an error page. Mails introduce
        themselves by our name, not by the host that the request came to. Accounts without an
        address get none.
        """
        if email.endswith(NOBODYS):
            return
        if template_prefix not in NOTICES:
            attempts.count_mail(self.request, email)
        elif not self._must_be_told(email, context):
            return
        site = get_current_site(self.request)
        site.name, site.domain = "IntelliSpark", urlsplit(settings.ORIGIN).netloc or site.domain
        try:
            super().send_mail(template_prefix, email, {**context, "current_site": site})
        except (SMTPException, OSError) as error:
            logger.error("mail.failed", template=template_prefix, error=repr(error))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The settings page, which links to the form; allauth would show the empty form again."""
        return reverse("settings")

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def _must_be_told(self, email: str, context: dict[str, object]) -> bool:
        """Of a change: always where the address is (or was, until this change) a confirmed one.
        Else it may be a stranger's, who gets no more mails of this kind than of others."""
        change = context.get("change")
        was_confirmed = isinstance(change, EmailChange) and change.old_is_confirmed
        return was_confirmed or emails.is_read_by_owner(email) or self.may_send(email)

    def may_send(self, email: str) -> bool:
        """Counts a mail that goes out beside something else, which too many do not stop."""
        try:
            attempts.count_mail(self.request, email)
        except RateLimited:
            return False
        return True


def _accounts(typed: Iterable[str]) -> list[User]:
    """Whose password may be meant."""
    meant = Q(pk=None)
    for login in typed:
        meant |= Q(username__iexact=login) | Q(email__iexact=login)
    return list(User.objects.filter(meant))
