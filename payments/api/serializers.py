"""The JSON of payments: what goes out, and what may come in."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from intellispark.api.fields import TimeField
from payments.billing.catalogue import Pack
from payments.billing.models import Purchase
from payments.ledger.history import KINDS
from payments.ledger.models import LedgerEntry


class EntrySerializer(serializers.ModelSerializer[LedgerEntry]):
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

    def to_representation(self, entry: LedgerEntry) -> dict[str, object]:
        item: dict[str, object] = super().to_representation(entry)
        if not item["reason"]:
            del item["reason"]
        return item


class EntryPageSerializer(serializers.Serializer[dict[str, object]]):
    results = EntrySerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The older entries, if any.")


class HistoryQuery(serializers.Serializer[dict[str, object]]):
    """`cursor` is a version; the page has the entries before it."""

    kind = serializers.ChoiceField(choices=KINDS, required=False)
    cursor = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class PackSerializer(serializers.Serializer[Pack]):
    """One pack of the price list."""

    key = serializers.CharField(help_text="The `pack` of a checkout.")
    name = serializers.CharField(help_text="In the language of the request.")
    tokens = serializers.IntegerField()
    price_cents = serializers.IntegerField(help_text="In minor units of the currency.")
    currency = serializers.CharField(help_text="ISO 4217.")


class PackListSerializer(serializers.Serializer[dict[str, object]]):
    results = PackSerializer(many=True)


class CheckoutSerializer(serializers.Serializer[dict[str, object]]):
    """The pack's key. Tokens and price come from the price list."""

    pack = serializers.CharField(min_length=1, max_length=40)


class CheckoutAnswerSerializer(serializers.Serializer[dict[str, object]]):
    purchase_id = serializers.UUIDField()
    url = serializers.URLField(help_text="The page where the person pays.")


class PurchaseSerializer(serializers.ModelSerializer[Purchase]):
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
