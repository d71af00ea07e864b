"""A debt, and which tokens expire when."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from intellispark.accounts.requests import current_user
from payments.ledger.expiry import ExpiryForecast
from payments.ledger.models import Wallet


@never_cache
@login_required
@require_GET
def expiry(request: HttpRequest) -> HttpResponse:
    """These alone, for the page to put in place when the balance has moved."""
    return render(request, "payments/_expiry.html", expiry_context(request))


def expiry_context(request: HttpRequest) -> dict[str, object]:
    """What `_expiry.html` needs."""
    wallet = Wallet.objects.for_user(current_user(request).pk)
    return {"debt": wallet.debt, "expiry": ExpiryForecast.for_wallet(wallet)}
