from payments.ledger.models.entry import LedgerEntry, LedgerQuerySet
from payments.ledger.models.seal import LedgerSeal
from payments.ledger.models.wallet import Wallet

__all__ = ["LedgerEntry", "LedgerQuerySet", "LedgerSeal", "Wallet"]
