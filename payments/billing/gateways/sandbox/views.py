"""The page where a person confirms or declines a test payment."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from intellispark.accounts.requests import current_user
from payments.billing.catalogue import describe_pack, money
from payments.billing.gateways.sandbox.gateway import (
    SandboxGateway,
    answer_sandbox,
    sandbox_is_active,
)
from payments.billing.models import Purchase


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def sandbox(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """The page of one purchase. 404 when another gateway is active: it would give tokens away."""
    if not sandbox_is_active():
        raise Http404
    mine = Purchase.objects.owned_by(current_user(request)).filter(gateway=SandboxGateway.key)
    purchase = get_object_or_404(mine, pk=purchase_id)
    answer = request.POST.get("answer")
    if answer in ("confirm", "decline"):
        purchase = answer_sandbox(purchase_id=purchase.pk, confirmed=answer == "confirm")
    if purchase.status != Purchase.Status.PENDING:
        return redirect(f"{reverse('payment')}?{urlencode({'purchase': str(purchase.pk)})}")
    context = {
        "purchase": purchase,
        "title": gettext(describe_pack(purchase.pack)),
        "price": money(purchase.price_cents, purchase.currency),
    }
    return render(request, "sandbox/pay.html", context)
