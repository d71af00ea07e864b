"""The history of the ledger, page by page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from intellispark.accounts.requests import current_user
from intellispark.text import whole_number
from payments.ledger import history as entries

PAGE_SIZE = 20


@never_cache
@login_required
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """The history alone, for the page to put in place when the balance has moved."""
    return render(request, "payments/_history.html", history_context(request))


def history_context(request: HttpRequest) -> dict[str, object]:
    """What `_history.html` needs: a page of the history, and the addresses of its neighbours.

    A query that makes no sense means page one.
    """
    kind = entries.ALL if request.GET.get("kind") == entries.ALL else ""
    page = entries.read(
        user_id=current_user(request).pk,
        kind=kind,
        before=whole_number(request.GET.get("before", "")),
        after=whole_number(request.GET.get("after", "")),
        limit=PAGE_SIZE,
    )

    def address(**query: str | int) -> str:
        found = urlencode({key: value for key, value in query.items() if value})
        return f"{reverse('payment')}?{found}#history" if found else f"{reverse('payment')}#history"

    return {
        "page": page,
        "shows_all": bool(kind),
        "toggle_url": address(kind="" if kind else entries.ALL),
        "older_url": page.older and address(kind=kind, before=page.older),
        "newer_url": page.newer and address(kind=kind, after=page.newer),
    }
