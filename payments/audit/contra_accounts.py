"""The contra account of each kind of entry, for the double entry report.

An entry moves tokens between the wallet and one contra account: what the wallet gets, the
account gives. Only this table says which account that is.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.ledger.models import LedgerEntry

Kind = LedgerEntry.Kind


class Account(models.TextChoices):
    SALES = "sales", _("Sales")
    GIFTS = "gifts", _("Tokens given")
    USAGE = "usage", _("Usage")
    CORRECTIONS = "corrections", _("Corrections")
    EXPIRED = "expired", _("Expired")
    RETURNS = "returns", _("Returned payments")
    WRITTEN_OFF = "written_off", _("Debt written off")
    RESERVED = "reserved", _("Reserved for replies")
    DEBT = "debt", _("Debt paid")


CONTRA: dict[str, Account] = {
    Kind.PURCHASE: Account.SALES,
    Kind.GRANT: Account.GIFTS,
    Kind.CAPTURE: Account.USAGE,
    Kind.SPEND: Account.USAGE,
    Kind.REFUND: Account.USAGE,
    Kind.ADJUSTMENT: Account.CORRECTIONS,
    Kind.EXPIRY: Account.EXPIRED,
    Kind.CLAWBACK: Account.RETURNS,
    Kind.WRITE_OFF: Account.WRITTEN_OFF,
    # These move no balance: reserved tokens stay in it.
    Kind.HOLD: Account.RESERVED,
    Kind.RELEASE: Account.RESERVED,
}
