"""The refusals of the ledger and the checkout, with the codes that clients see."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from intellispark.api.errors import DomainError
from intellispark.text import StrOrPromise


class InsufficientTokens(DomainError):
    """The wallet has too few available tokens. Data: `needed`, `available`."""

    code = "insufficient_tokens"
    status = 402
    detail = _("You do not have enough tokens for this.")


class EntryConflict(DomainError):
    """The entry's key was used before for another entry."""

    code = "idempotency_conflict"
    status = 409
    detail = _("This key was already used for a different request.")


class HoldResolved(DomainError):
    """The hold was captured or released before."""

    code = "hold_resolved"
    status = 409
    detail = _("These reserved tokens were already charged or returned.")


class InvariantViolated(DomainError):
    """The database refused the entry. Data: `invariant`, the constraint or trigger that did."""

    code = "ledger_invariant"
    status = 422
    detail = _("The ledger does not allow this entry.")


class UnknownPack(DomainError):
    """The price list has no such pack."""

    code = "unknown_pack"
    status = 422
    detail = _("There is no such pack.")


class PaymentsOff(DomainError):
    """This site sells no tokens: no gateway is active."""

    code = "payments_off"
    status = 403
    detail = _("Tokens cannot be bought on this site.")


class GatewayUnavailable(DomainError):
    """The payment provider cannot be reached. The purchase stays pending: send it again."""

    code = "payment_unavailable"
    status = 503
    detail = _("The payment service cannot be reached right now. Nothing was charged.")

    def __init__(
        self, detail: StrOrPromise | None = None, *, retry_after: int = 10, **data: object
    ) -> None:
        super().__init__(detail, retry_after=retry_after, **data)
