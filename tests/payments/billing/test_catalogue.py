"""The price list, and what it says in words."""

import pytest
from django.utils.translation import override

from payments.billing.catalogue import PACKS, describe_pack, get_pack, money
from payments.errors import UnknownPack


def test_the_packs_are_those_of_the_contract() -> None:
    found = {pack.key: (pack.tokens, pack.price, pack.currency) for pack in PACKS.values()}
    assert found == {
        "starter": (100, "$2.99", "USD"),
        "standard": (500, "$9.99", "USD"),
        "premium": (2_000, "$24.99", "USD"),
    }


@pytest.mark.parametrize("key", ["", "gold", "STARTER", "starter "])
def test_an_unknown_pack_is_refused(key: str) -> None:
    with pytest.raises(UnknownPack) as refused:
        get_pack(key)
    assert refused.value.status == 422
    assert "pack" in refused.value.data["fields"]


def test_a_reply_has_a_price_in_cents() -> None:
    assert [str(pack.reply_price) for pack in PACKS.values()] == [
        "3.0¢ per reply",
        "2.0¢ per reply",
        "1.2¢ per reply",
    ]


def test_savings_are_told_against_the_first_pack() -> None:
    assert [pack.saving_percent for pack in PACKS.values()] == [0, 33, 58]


def test_the_ledger_stores_english_whatever_the_page_speaks() -> None:
    with override("zh-hans"):
        assert describe_pack("starter") == "Starter pack"
    assert describe_pack("withdrawn-last-year") == "Token pack"


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [
        (0, "USD", "$0.00"),
        (5, "USD", "$0.05"),
        (123_456, "USD", "$1,234.56"),
        (299, "EUR", "2.99 EUR"),
    ],
)
def test_money_is_written_from_minor_units(cents: int, currency: str, text: str) -> None:
    assert money(cents, currency) == text
