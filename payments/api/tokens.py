"""`GET /api/payment/user/tokens`: a person's balance, for clients that have no socket.

A plain async view: pages ask it often, and those who ask at the same moment share their queries.
It is in the OpenAPI schema by hand (`payments.api.schema`).
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from intellispark.accounts.requests import authenticate
from intellispark.api.errors import NotAcceptable
from intellispark.api.times import isoformat
from intellispark.realtime.dataloader import DataLoader
from payments.ledger.balance import balance_of
from payments.ledger.expiry import expiring
from payments.ledger.models import Wallet

HEADERS = {"Cache-Control": "private, no-cache"}  # keep it, but ask before showing it again


@csrf_exempt  # so that other methods hear 405, as everywhere
@require_safe
async def tokens(request: HttpRequest) -> HttpResponseBase:
    """The wallet, or 304 for who has it as it is."""
    if not request.accepts("application/json"):
        raise NotAcceptable
    user = await authenticate(request)
    wallet = await wallets(user.pk)
    # It names the person too: the next one at this browser may be at the same version.
    etag = f'"{wallet["user_id"]}.{wallet["epoch"]}.{wallet["version"]}"'
    response = JsonResponse(wallet, headers={**HEADERS, "ETag": etag})
    return get_conditional_response(request, etag=etag, response=response) or response


def _wallets(user_ids: list[UUID]) -> dict[UUID, dict[str, object]]:
    """The wallets of these people as JSON: one query; more for new ones, and for dated tokens."""
    found = Wallet.objects.in_bulk(user_ids)
    return {pk: wallet_json(found.get(pk) or Wallet.objects.for_user(pk)) for pk in user_ids}


wallets: DataLoader[UUID, dict[str, object]] = DataLoader(_wallets)


def wallet_json(wallet: Wallet) -> dict[str, object]:
    """`Wallet` of the schema. Whole tokens, times in UTC."""
    balance: dict[str, object] = {**balance_of(wallet)}
    del balance["ops"]  # only what was just written has any
    return {
        "user_id": str(wallet.pk),
        **balance,
        "expiring": [
            {"tokens": lot.tokens, "expires_at": isoformat(lot.expires_at)}
            for lot in expiring(wallet)
        ],
        "created_at": isoformat(wallet.created_at),
        "updated_at": isoformat(wallet.updated_at),
    }
