"""The mails about addresses. They go out after the commit, through the adapter's `send_mail`."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.utils import build_absolute_uri
from django.urls import reverse

from intellispark.accounts import email_links
from intellispark.accounts.models import EmailChange, User


def confirmation_url(user: User, email: str) -> str:
    """Where the address is confirmed, as an absolute URL of the site that was asked."""
    key = email_links.confirmation_key(user, email)
    path = reverse("account_confirm_email", args=[key])
    return str(build_absolute_uri(context.request, path))


def send_confirmation(user: User, email: str) -> None:
    """To the new address: the link that proves it."""
    mail = {"user": user, "activate_url": confirmation_url(user, email)}
    get_adapter().send_mail("account/email/email_confirmation", email, mail)


def send_first_confirmation(user: User, email: str) -> None:
    """To the address of an account that has confirmed none yet. The caller counts it."""
    mail = {"user": user, "activate_url": confirmation_url(user, email)}
    get_adapter().send_mail("account/email/email_confirmation_signup", email, mail)


def send_changed(user: User, change: EmailChange) -> None:
    """To the old address: that it was replaced, by which one, and the way back."""
    path = reverse("account_email_restore", args=[email_links.way_back_key(change)])
    mail = {"user": user, "change": change, "url": build_absolute_uri(context.request, path)}
    get_adapter().send_mail("account/email/address_changed", change.old_email, mail)


def send_taken(email: str) -> None:
    """To an address that has an account: that somebody wanted to use it for another one."""
    get_adapter().send_account_already_exists_mail(email)
