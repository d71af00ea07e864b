"""The short way to the balance says what the usual way says, and refuses nothing itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.utils import timezone

from intellispark.accounts import rate_limits
from intellispark.accounts.models import TokenFamily, User
from intellispark.accounts.tokens import issue
from intellispark.asgi import http
from payments.api.quick import PATH, quick_tokens
from payments.ledger import operations as ledger
from tests.support.factories import make_user
from tests.support.pages import signed_in
from tests.support.time_travel import stand_still

pytestmark = pytest.mark.django_db(transaction=True)

Answer = tuple[int, dict[str, str], bytes]


async def never(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 599, "headers": []})
    await send({"type": "http.response.body", "body": b""})


QUICK, USUAL = quick_tokens(never), http


async def ask(app: Any, method: str = "GET", **headers: str) -> Answer:
    headers = {"host": "testserver", **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
        "client": ["127.0.0.1", 1],
        "server": ["testserver", 80],
        "scheme": "http",
    }
    communicator = ApplicationCommunicator(app, scope)
    await communicator.send_input({"type": "http.request", "body": b""})
    start = await communicator.receive_output(60)
    body = await communicator.receive_output(60)
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    await communicator.wait(60)
    return start["status"], found, body["body"]


async def credentials(user: User) -> list[dict[str, str]]:
    key = await sync_to_async(signed_in)(user)
    access = (await sync_to_async(issue)(user))["access"]
    cookie = f"theme=dark; {django_settings.SESSION_COOKIE_NAME}={key}"
    return [{"cookie": cookie}, {"authorization": f"Bearer {access}"}]


async def test_both_ways_say_the_same() -> None:
    alice = await sync_to_async(make_user)("alice")
    await sync_to_async(ledger.hold)(wallet_id=alice.pk, tokens=3, key="h")
    await sync_to_async(ledger.grant)(
        wallet_id=alice.pk, tokens=5, key="g", expires_at=timezone.now() + timedelta(days=3)
    )
    of_pages = {"allow", "content-language", "content-security-policy"}  # and of errors
    for shown in await credentials(alice):
        quick, usual = await ask(QUICK, **shown), await ask(USUAL, **shown)
        assert (quick[0], quick[2]) == (usual[0], usual[2]) == (200, usual[2])
        varying = {"x-request-id"}
        for name in {*usual[1]} - of_pages - varying:
            assert quick[1].get(name) == usual[1][name], name
        assert varying <= {*quick[1]}
        etag = quick[1]["etag"]
        quick, usual = [await ask(app, if_none_match=etag, **shown) for app in (QUICK, USUAL)]
        assert (quick[0], quick[2]) == (usual[0], usual[2]) == (304, b"")
        assert quick[1]["etag"] == usual[1]["etag"]
        await sync_to_async(ledger.spend)(wallet_id=alice.pk, tokens=1, key=next(iter(shown)))
        assert (await ask(QUICK, if_none_match=etag, **shown))[0] == 200


async def test_what_would_be_refused_goes_the_usual_way(settings: Any) -> None:
    alice = await sync_to_async(make_user)("alice")
    by_cookie, by_bearer = await credentials(alice)
    passed_on = [
        await ask(QUICK),
        await ask(QUICK, authorization="Bearer nonsense", **by_cookie),
        await ask(QUICK, authorization="Basic eDp5", **by_cookie),
        await ask(QUICK, cookie="sessionid=unknown"),
        await ask(QUICK, "POST", **by_cookie),
        await ask(QUICK, **{**by_cookie, "host": "evil.example"}),
    ]
    assert [answer[0] for answer in passed_on] == [599] * 6
    await TokenFamily.objects.aupdate(revoked_at=timezone.now())
    assert (await ask(QUICK, **by_bearer))[0] == 599
    await User.objects.filter(pk=alice.pk).aupdate(suspended_at=timezone.now())
    assert (await ask(QUICK, **by_cookie))[0] == 599


async def test_it_counts_for_the_rate_limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 5)
    stand_still(monkeypatch)
    settings.RATE_LIMITS = True
    settings.REDIS_URL = ""
    alice = await sync_to_async(make_user)("alice")
    shown, _ = await credentials(alice)
    statuses = [(await ask(QUICK, **shown))[0] for _ in range(7)]
    assert statuses == [200] * 5 + [599] * 2
