"""Texts of Django and django-allauth whose Chinese is ours.

Their own catalogues lack some of these, and say others more formally than our pages do. Nothing
imports this module: `make messages` reads it, and Django looks into our catalogue before theirs.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _noop
from django.utils.translation import ngettext_lazy

PASSWORD_TOO_SHORT = ngettext_lazy(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
)

FIELDS = (
    _noop("Email"),
    _noop("Email address"),
    _noop("Enter a valid email address."),
    _noop("Password (again)"),
    _noop("New Password (again)"),
    _noop("Username or email"),
)

REFUSALS = (
    _noop("Be patient, you are sending too many requests."),
    _noop("Incorrect password."),
    _noop("Invalid or expired key."),
    _noop("Please type your current password."),
    _noop("The password is too similar to the %(verbose_name)s."),
    _noop("The password reset token was invalid."),
    _noop("This email address is already associated with this account."),
    _noop("Your primary email address must be verified."),
)

NOTES = (
    _noop("Confirmation email sent to %(email)s."),
    _noop("Password successfully changed."),
    _noop("Password successfully set."),
    _noop("Primary email address set."),
    _noop("Removed email address %(email)s."),
    _noop("You cannot remove your primary email address (%(email)s)."),
    _noop("You have confirmed %(email)s."),
)

# Read out by screen readers on every page of the admin.
ADMIN = (
    _noop("Add link"),
    _noop("Change or view list link"),
    _noop("Model name"),
)

PAGES = (
    _noop("Confirm Access"),
    _noop("Enter your password:"),
    _noop("Please reauthenticate to safeguard your account."),
    _noop("Unable to confirm %(email)s because it is already confirmed by a different account."),
)

MAILS = (
    _noop("Hello from %(site_name)s!"),
    _noop("Thank you for using %(site_name)s!\n%(site_domain)s"),
)
