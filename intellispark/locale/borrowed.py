"""Texts of Django and django-allauth whose Chinese is ours.

Their own catalogues lack some of these, and say others more formally than our pages do. Nothing
imports this module: `make messages` reads it, and the project's catalogue comes before theirs.
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
    _noop("A user is already registered with this email address."),
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
    _noop("Successfully signed in as %(name)s."),
    _noop("You cannot remove your primary email address (%(email)s)."),
    _noop("You have confirmed %(email)s."),
    _noop("You have signed out."),
)

# Read out by screen readers on every page of the admin.
ADMIN = (
    _noop("Add link"),
    _noop("Change or view list link"),
    _noop("Model name"),
)

PAGES = (
    _noop("Confirm Access"),
    _noop("Confirm Email Address"),
    _noop("Enter your password:"),
    _noop("Password Reset"),
    _noop("Please reauthenticate to safeguard your account."),
    _noop(
        'Please confirm that <a href="mailto:%(email)s">%(email)s</a> is an email address for user '
        "%(user_display)s."
    ),
    _noop(
        "This email confirmation link expired or is invalid. Please "
        '<a href="%(email_url)s">issue a new email confirmation request</a>.'
    ),
    _noop("Unable to confirm %(email)s because it is already confirmed by a different account."),
    _noop(
        "We have sent you an email. If you have not received it please check your spam folder. "
        "Otherwise contact us if you do not receive it in a few minutes."
    ),
    _noop("Your password is now changed."),
)

MAILS = (
    _noop("Hello from %(site_name)s!"),
    _noop("Thank you for using %(site_name)s!\n%(site_domain)s"),
    _noop("Please Confirm Your Email Address"),
    _noop(
        "You're receiving this email because user %(user_display)s has given your email address "
        "to register an account on %(site_domain)s."
    ),
    _noop("To confirm this is correct, go to %(activate_url)s"),
    _noop("Password Reset Email"),
    _noop(
        "You're receiving this email because you or someone else has requested a password reset "
        "for your user account.\n"
        "It can be safely ignored if you did not request a password reset. Click the link below "
        "to reset your password."
    ),
    _noop("In case you forgot, your username is %(username)s."),
    _noop("Unknown Account"),
    _noop(
        "You are receiving this email because you, or someone else, tried to access an account "
        "with email %(email)s. However, we do not have any record of such an account in our "
        "database."
    ),
    _noop("This mail can be safely ignored if you did not initiate this action."),
    _noop("If it was you, you can sign up for an account using the link below."),
)
