"""The project's URLs, and a view that spends and says when it committed."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from intellispark.urls import handler404, handler500  # noqa: F401
from intellispark.urls import urlpatterns as project
from payments.ledger import operations as ledger


@csrf_exempt
def spend(request: HttpRequest, user_id: UUID) -> JsonResponse:
    committed: list[float] = []
    key = uuid4().hex
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.monotonic()))
        ledger.grant(wallet_id=user_id, tokens=1, key=key, op=key)
    return JsonResponse({"op": key, "at": committed[0]})


urlpatterns = [*project, path("bench/spend/<uuid:user_id>", spend)]
