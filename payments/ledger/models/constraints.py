"""What the database checks of one entry by itself, whoever writes it. Refusals bear these names.

The triggers (payments/ledger/triggers/) check what needs other rows: they move the wallet and fill
`balance_after` and `held_after` from it, so `ledger_insufficient` here refuses an entry without
funds; and they look at the hold that is settled and the lot that expires.
"""

from __future__ import annotations

from django.db.models import CheckConstraint, F, Q

CREDITS = ["grant", "purchase", "refund", "write_off"]
DEBITS = ["spend", "expiry", "clawback"]
BY_ADMINS = ["adjustment", "write_off"]

# Only a clawback may leave less in the wallet than is held. A capture frees at least what it takes.
NEEDS_FUNDS = Q(kind__in=["hold", "spend", "expiry"]) | Q(kind="adjustment", amount__lt=0)


def _has(reference: str, kinds: list[str]) -> Q:
    """Entries of these kinds have the reference, and no others."""
    return Q(kind__in=kinds, **{f"{reference}__isnull": False}) | Q(
        ~Q(kind__in=kinds), **{f"{reference}__isnull": True}
    )


ENTRY_CHECKS = [
    # The sign of each kind: what it does to the balance, and to what is held.
    CheckConstraint(
        name="ledger_shape",
        condition=Q(kind__in=CREDITS, amount__gt=0, held_change=0)
        | Q(kind__in=DEBITS, amount__lt=0, held_change=0)
        | Q(~Q(amount=0), kind="adjustment", held_change=0)
        | Q(kind="hold", amount=0, held_change__gt=0)
        | Q(kind="capture", amount__lt=0, held_change__lte=F("amount"))
        | Q(kind="release", amount=0, held_change__lt=0),
    ),
    # What each kind refers to, and nothing else does.
    CheckConstraint(
        name="ledger_links",
        condition=_has("hold", ["capture", "release"])
        & _has("reverses", ["refund"])
        & _has("lot", ["expiry"]),
    ),
    CheckConstraint(
        name="ledger_dates",
        condition=Q(expires_at__isnull=True) | Q(kind="grant", expires_at__gt=F("created_at")),
    ),
    CheckConstraint(
        name="ledger_accountable",
        condition=~Q(kind__in=BY_ADMINS) | Q(~Q(reason=""), actor__isnull=False),
    ),
    CheckConstraint(
        name="ledger_insufficient",
        condition=~NEEDS_FUNDS | Q(balance_after__gte=F("held_after")),
    ),
    # Every move of a wallet has an entry that says the same, so this holds for wallets too.
    CheckConstraint(name="ledger_counts", condition=Q(version__gte=1, held_after__gte=0)),
    # At most the debt: no tokens may be free after it.
    CheckConstraint(
        name="ledger_write_off",
        condition=~Q(kind="write_off") | Q(balance_after__lte=F("held_after")),
    ),
]
