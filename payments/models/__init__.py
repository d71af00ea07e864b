"""Where Django looks for this app's models. Code in `payments` imports them from their rooms."""

from payments.billing.models import Purchase
from payments.ledger.models import LedgerEntry, LedgerSeal, Wallet

__all__ = ["LedgerEntry", "LedgerSeal", "Purchase", "Wallet"]
