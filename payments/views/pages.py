"""The tokens page, its history, and the way to a gateway and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from intellispark.accounts.requests import current_user
from intellispark.api.errors import DomainError
from payments.billing.catalogue import FEATURED, PACKS
from payments.billing.checkout import start_checkout
from payments.billing.gateways.sandbox.gateway import sandbox_is_active
from payments.billing.models import Purchase
from payments.ledger import history as entries
from payments.ledger.expiry import ExpiryForecast
from payments.ledger.models import Wallet

PAGE_SIZE = 20
SHOWN_NOTICES = "shown_notices"  # in the session: purchases whose end the person has read


@never_cache
@login_required
@require_GET
def payment(request: HttpRequest) -> HttpResponse:
    """The tokens page: balance, packs and history. Never cached: see `_offers`."""
    return _payment_page(request)


@never_cache
@login_required
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """The history alone; the page fetches it when the balance has changed."""
    return render(request, "payments/_history.html", _history(request))


@never_cache
@login_required
@require_GET
def expiry(request: HttpRequest) -> HttpResponse:
    """A debt and what expires, alone; the page fetches it when the balance has changed."""
    return render(request, "payments/_expiry.html", _expiry(request))


@login_required
@require_http_methods(["GET", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Start a purchase and lead to the gateway; the form's hidden key makes a double click one.

    A person whose session had ended comes back here from sign-in with a GET: show the packs then.
    """
    if request.method == "GET":
        return redirect("payment")
    try:
        _, url = start_checkout(
            user=current_user(request),
            pack=request.POST.get("pack", ""),
            return_url=_payment_url(request),
            key=_form_key(request),
        )
    except DomainError as error:
        return _payment_page(request, error=error)
    return redirect(url)


def _payment_page(request: HttpRequest, *, error: DomainError | None = None) -> HttpResponse:
    purchase = _purchase_notice(request)
    context = {
        **_history(request),
        **_expiry(request),
        "highlight": purchase and purchase.entry_id,
        "offers": _offers(),
        "is_sandbox": sandbox_is_active(),
        "purchase": purchase,
        "error": error,
    }
    return render(request, "payments/payment.html", context, status=error.status if error else 200)


def _expiry(request: HttpRequest) -> dict[str, Any]:
    wallet = Wallet.objects.for_user(current_user(request).pk)
    return {"debt": wallet.debt, "expiry": ExpiryForecast.for_wallet(wallet)}


def _offers() -> list[dict[str, Any]]:
    """The packs, each with a key for its form. A key makes one purchase: it must not be cached."""
    return [
        {"pack": pack, "key": uuid4(), "is_featured": pack.key == FEATURED}
        for pack in PACKS.values()
    ]


def _form_key(request: HttpRequest) -> str:
    try:
        return str(UUID(request.POST.get("key", "")))
    except ValueError:
        return str(uuid4())  # a form without a key of ours is a purchase of its own


def _payment_url(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("payment"))


def _purchase_notice(request: HttpRequest) -> Purchase | None:
    """The purchase that the person comes back from; a finished one is shown once."""
    try:
        wanted = UUID(request.GET.get("purchase", ""))
    except ValueError:
        return None
    purchase = Purchase.objects.owned_by(current_user(request)).filter(pk=wanted).first()
    told = request.session.get(SHOWN_NOTICES, [])
    if purchase is None or str(purchase.pk) in told:
        return None
    if purchase.status != Purchase.Status.PENDING:
        request.session[SHOWN_NOTICES] = [*told, str(purchase.pk)][-20:]
    return purchase


def _history(request: HttpRequest) -> dict[str, Any]:
    """A page of the history, and the URLs of its neighbours. Invalid parameters mean page one."""
    kind = entries.ALL if request.GET.get("kind") == entries.ALL else ""
    page = entries.read(
        user_id=current_user(request).pk,
        kind=kind,
        before=_version(request, "before"),
        after=_version(request, "after"),
        limit=PAGE_SIZE,
    )

    def address(**query: Any) -> str:
        found = urlencode({key: value for key, value in query.items() if value})
        return f"{reverse('payment')}?{found}#history" if found else f"{reverse('payment')}#history"

    return {
        "page": page,
        "shows_all": bool(kind),
        "toggle_url": address(kind="" if kind else entries.ALL),
        "older_url": page.older and address(kind=kind, before=page.older),
        "newer_url": page.newer and address(kind=kind, after=page.newer),
    }


def _version(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
