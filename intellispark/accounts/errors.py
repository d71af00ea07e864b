"""What accounts refuse beside the platform's own errors."""

from django.utils.translation import gettext_lazy as _

from intellispark.api.errors import DomainError


class EmailUnconfirmed(DomainError):
    """The right password, but the address has to be confirmed first; a mail is on its way."""

    code = "email_unconfirmed"
    status = 403
    detail = _("Confirm your e-mail address first: we sent you a link.")
