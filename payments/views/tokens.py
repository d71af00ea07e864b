"""The tokens page: what is there, what can be bought, what happened."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from intellispark.api.errors import DomainError
from payments.billing.catalogue import FEATURED, PACKS
from payments.billing.gateways.registry import sells_tokens
from payments.billing.gateways.sandbox.gateway import sandbox_is_active
from payments.views.expiry import expiry_context
from payments.views.history import history_context
from payments.views.notices import purchase_notice


@never_cache
@login_required
@require_GET
def tokens(request: HttpRequest) -> HttpResponse:
    """The page. Fresh on every visit: see `_offers`."""
    return tokens_page(request)


def tokens_page(request: HttpRequest, *, error: DomainError | None = None) -> HttpResponse:
    """The page, or what it says of a purchase that could not begin, with that error's status."""
    purchase = purchase_notice(request)
    context = {
        **history_context(request),
        **expiry_context(request),
        "highlight": purchase and purchase.entry_id,
        "offers": _offers() if sells_tokens() else [],
        "is_sandbox": sandbox_is_active(),
        "purchase": purchase,
        "error": error,
    }
    return render(request, "payments/payment.html", context, status=error.status if error else 200)


def _offers() -> list[dict[str, object]]:
    """The packs, each with the key of its form. A key serves one purchase, so never cache it."""
    return [
        {"pack": pack, "key": uuid4(), "is_featured": pack.key == FEATURED}
        for pack in PACKS.values()
    ]
