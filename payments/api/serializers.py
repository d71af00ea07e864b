"""The JSON of payments: what goes out, and what may come in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from intellispark.api.fields import TimeField
from intellispark.api.times import isoformat
from payments.billing.models import Purchase
from payments.ledger.balance import balance_of
from payments.ledger.expiry import expiring
from payments.ledger.history import KINDS
from payments.ledger.models import LedgerEntry, Wallet


class ExpiringSerializer(serializers.Serializer):
    """Tokens that expire at that time if they are not spent before."""

    tokens = serializers.IntegerField()
    expires_at = TimeField()


class WalletSerializer(serializers.Serializer):
    """The balance, for clients that have no socket. Whole tokens."""

    user_id = serializers.UUIDField()
    balance = serializers.IntegerField(help_text="Posted tokens.")
    held = serializers.IntegerField(help_text="Reserved by running generations.")
    available = serializers.IntegerField(
        help_text="max(0, balance - held): the number that pages show."
    )
    debt = serializers.IntegerField(help_text="max(0, held - balance).")
    version = serializers.IntegerField(help_text="The wallet's count of ledger entries.")
    epoch = serializers.IntegerField(help_text="Rises when a wallet is restored from a backup.")
    expiring = ExpiringSerializer(
        many=True, help_text="Unreserved tokens with a date, soonest first."
    )
    created_at = TimeField()
    updated_at = TimeField()

    def to_representation(self, wallet: Wallet) -> dict[str, Any]:
        return wallet_json(wallet)


def etag_of(user_id: UUID | str, epoch: int, version: int) -> str:
    """The ETag. It names the person, because two people may be at the same version."""
    return f'"{user_id}.{epoch}.{version}"'


def wallet_json(wallet: Wallet) -> dict[str, Any]:
    """The fields of `WalletSerializer`."""
    balance: dict[str, Any] = {**balance_of(wallet)}
    del balance["ops"]  # only a new entry has any
    return {
        "user_id": str(wallet.pk),
        **balance,
        "expiring": [
            {"tokens": lot.tokens, "expires_at": isoformat(lot.expires_at)}
            for lot in expiring(wallet)
        ],
        "created_at": isoformat(wallet.created_at),
        "updated_at": isoformat(wallet.updated_at),
    }


class EntrySerializer(serializers.ModelSerializer):
    """One ledger entry. `reason` is there only when an admin gave one."""

    kind = serializers.ChoiceField(choices=LedgerEntry.Kind.choices)
    description = serializers.CharField(help_text="In English, whatever the user's language.")
    reason = serializers.CharField(required=False)
    created_at = TimeField()

    class Meta:
        model = LedgerEntry
        fields = [
            "id",
            "version",
            "kind",
            "amount",
            "held_change",
            "balance_after",
            "held_after",
            "description",
            "reason",
            "created_at",
        ]
        read_only_fields = fields

    def to_representation(self, entry: LedgerEntry) -> dict[str, Any]:
        item = super().to_representation(entry)
        if not item["reason"]:
            del item["reason"]
        return item


class EntryPageSerializer(serializers.Serializer):
    results = EntrySerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The older entries, if any.")


class HistoryQuery(serializers.Serializer):
    """`cursor` is a version; the page has the entries before it."""

    kind = serializers.ChoiceField(choices=KINDS, required=False)
    cursor = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class PackSerializer(serializers.Serializer):
    """One pack of the price list."""

    key = serializers.CharField(help_text="The `pack` of a checkout.")
    name = serializers.CharField(help_text="In the language of the request.")
    tokens = serializers.IntegerField()
    price_cents = serializers.IntegerField(help_text="In minor units of the currency.")
    currency = serializers.CharField(help_text="ISO 4217.")


class PackListSerializer(serializers.Serializer):
    results = PackSerializer(many=True)


class CheckoutSerializer(serializers.Serializer):
    """The pack's key. Tokens and price come from the price list."""

    pack = serializers.CharField(min_length=1, max_length=40)


class CheckoutAnswerSerializer(serializers.Serializer):
    purchase_id = serializers.UUIDField()
    url = serializers.URLField(help_text="The page where the person pays.")


class PurchaseSerializer(serializers.ModelSerializer):
    entry_id = serializers.SerializerMethodField(
        help_text="The ledger entry that credited it, if any."
    )
    created_at = TimeField()
    updated_at = TimeField()

    class Meta:
        model = Purchase
        fields = [
            "id",
            "pack",
            "tokens",
            "price_cents",
            "currency",
            "status",
            "entry_id",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_entry_id(self, purchase: Purchase) -> int | None:
        return purchase.entry_id
