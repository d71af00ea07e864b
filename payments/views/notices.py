"""What the tokens page says of a purchase when the person comes back from a gateway."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from intellispark.accounts.requests import current_user
from payments.billing.models import Purchase

SHOWN_NOTICES = "shown_notices"  # in the session: purchases whose end the person has read
KEPT_NOTICES = 20


def purchase_notice(request: HttpRequest) -> Purchase | None:
    """The person's purchase of `?purchase=<id>`; None once its end was shown before."""
    try:
        purchase_id = UUID(request.GET.get("purchase", ""))
    except ValueError:
        return None
    purchase = Purchase.objects.owned_by(current_user(request)).filter(pk=purchase_id).first()
    shown = request.session.get(SHOWN_NOTICES, [])
    if purchase is None or str(purchase.pk) in shown:
        return None
    if purchase.status != Purchase.Status.PENDING:
        request.session[SHOWN_NOTICES] = [*shown, str(purchase.pk)][-KEPT_NOTICES:]
    return purchase
