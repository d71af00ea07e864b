"""Payments in the admin: everything can be read; "Adjust tokens" and "Write off debt" change it."""

from payments.admin.entry import LedgerEntryAdmin
from payments.admin.purchase import PurchaseAdmin
from payments.admin.wallet import WalletAdmin

__all__ = ["LedgerEntryAdmin", "PurchaseAdmin", "WalletAdmin"]
