"""The way from a pack's form to the gateway."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from intellispark.accounts.requests import current_user
from intellispark.api.errors import DomainError
from intellispark.api.idempotency import form_key
from payments.billing.checkout import start_checkout
from payments.views.tokens import tokens_page


@login_required
@require_http_methods(["GET", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """On to the gateway. The form's hidden key makes a double click one purchase.

    Signing in again, when the session had ended, leads back here with a GET: to the packs then.
    """
    if request.method == "GET":
        return redirect("payment")
    try:
        _, url = start_checkout(
            user=current_user(request),
            pack=request.POST.get("pack", ""),
            return_url=request.build_absolute_uri(reverse("payment")),
            key=form_key(request),
        )
    except DomainError as error:
        return tokens_page(request, error=error)
    return redirect(url)
