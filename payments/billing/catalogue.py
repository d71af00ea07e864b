"""The price list: the only source of tokens and prices. Requests only name a pack."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from intellispark.api.errors import Invalid
from intellispark.text import StrOrPromise
from payments.errors import UnknownPack

CURRENCY_SIGNS = {"USD": "$"}


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Tokens and their price. `price_cents` is in minor units of `currency` (ISO 4217).

    The ledger stores `description`, in English; pages translate it.
    """

    key: str
    name: StrOrPromise
    description: str
    tokens: int
    price_cents: int
    currency: str = "USD"

    @property
    def price(self) -> str:
        return money(self.price_cents, self.currency)

    @property
    def reply_cents(self) -> float:
        """What one reply at the default price costs, in cents, with tokens of this pack."""
        return self.price_cents * settings.AI_PRICE_TOKENS / self.tokens

    @property
    def reply_price(self) -> StrOrPromise:
        """`reply_cents` in words, to a tenth of a cent."""
        return format_lazy(_("{cents}¢ per reply"), cents=f"{self.reply_cents:.1f}")

    @property
    def saving_percent(self) -> int:
        """How much less a token costs than in the first pack, in whole per cent."""
        return round(100 * (1 - self.reply_cents / _LIST[0].reply_cents))


_LIST = (
    Pack(
        key="starter",
        name=_("Starter"),
        description=gettext_noop("Starter pack"),
        tokens=100,
        price_cents=299,
    ),
    Pack(
        key="standard",
        name=_("Standard"),
        description=gettext_noop("Standard pack"),
        tokens=500,
        price_cents=999,
    ),
    Pack(
        key="premium",
        name=_("Premium"),
        description=gettext_noop("Premium pack"),
        tokens=2_000,
        price_cents=2_499,
    ),
)
PACKS = {pack.key: pack for pack in _LIST}
FEATURED = "standard"


def get_pack(key: object) -> Pack:
    """The pack of that key, as a client sent it. Raises Invalid, UnknownPack (422)."""
    if not isinstance(key, str):
        raise Invalid.field("pack", _("Choose a pack."))
    try:
        return PACKS[key]
    except KeyError:
        raise UnknownPack(fields={"pack": [UnknownPack.detail]}) from None


def describe_pack(key: str) -> str:
    """The ledger's description of a paid pack, even if it has left the price list since."""
    return PACKS[key].description if key in PACKS else gettext_noop("Token pack")


def money(cents: int, currency: str) -> str:
    """`$2.99`, or `2.99 XYZ` where the currency has no sign here."""
    amount = f"{cents // 100:,}.{cents % 100:02d}"
    sign = CURRENCY_SIGNS.get(currency)
    return f"{sign}{amount}" if sign else f"{amount} {currency}"
