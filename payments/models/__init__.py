from payments.models.entry import LedgerEntry
from payments.models.purchase import Purchase
from payments.models.seal import LedgerSeal
from payments.models.wallet import Wallet

__all__ = ["LedgerEntry", "LedgerSeal", "Purchase", "Wallet"]
