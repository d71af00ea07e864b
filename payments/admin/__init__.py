"""Payments in the admin: everything can be read, and one thing done, "Adjust tokens"."""

from payments.admin.entry import LedgerEntryAdmin
from payments.admin.purchase import PurchaseAdmin
from payments.admin.wallet import WalletAdmin

__all__ = ["LedgerEntryAdmin", "PurchaseAdmin", "WalletAdmin"]
