"""The balance over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.utils import timezone
from structlog.testing import capture_logs

from intellispark.accounts import rate_limits
from intellispark.accounts.models import TokenFamily, User
from intellispark.accounts.suspension import suspend
from intellispark.accounts.tokens import issue
from intellispark.realtime.dataloader import DataLoader
from payments.api import tokens
from payments.ledger import operations as ledger
from payments.models import Wallet
from tests.api.conftest import error_of
from tests.support.time_travel import stand_still

# It reads in a thread of its own, so what is written before must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/payment/user/tokens"


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(user)['access']}"}


def test_it_has_the_fields_of_the_contract(client: Client, alice: User) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=3, key="gen:1:hold")
    client.force_login(alice)
    found = client.get(URL).json()
    times = {found.pop("created_at"), found.pop("updated_at")}
    assert found == {
        "user_id": str(alice.pk),
        "balance": 10,
        "held": 3,
        "available": 7,
        "debt": 0,
        "version": 2,
        "epoch": 1,
        "expiring": [],
    }
    assert all(time.endswith("Z") and datetime.fromisoformat(time) for time in times)


def test_it_answers_304_until_an_entry_is_written(client: Client, alice: User) -> None:
    client.force_login(alice)
    first = client.get(URL)
    assert first["ETag"] == f'"{alice.pk}.1.1"'
    assert first["Cache-Control"] == "private, no-cache"
    same = client.get(URL, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert same["Cache-Control"] == "private, no-cache"
    ledger.spend(wallet_id=alice.pk, tokens=1, key="s")
    moved = client.get(URL, headers={"If-None-Match": first["ETag"]})
    assert (moved.status_code, moved.json()["available"]) == (200, 9)
    assert moved["ETag"] == f'"{alice.pk}.1.2"'


def test_the_next_person_at_this_browser_does_not_get_a_304(
    client: Client, alice: User, bob: User
) -> None:
    client.force_login(alice)
    hers = client.get(URL)["ETag"]
    client.force_login(bob)
    his = client.get(URL, headers={"If-None-Match": hers})
    assert (his.status_code, his.json()["user_id"]) == (200, str(bob.pk))


def test_the_tag_changes_with_the_epoch_too(client: Client, alice: User) -> None:
    client.force_login(alice)
    tag = client.get(URL)["ETag"]
    Wallet.objects.filter(pk=alice.pk).update(epoch=2)  # as a restore from a backup does
    again = client.get(URL, headers={"If-None-Match": tag})
    assert (again.status_code, again["ETag"]) == (200, f'"{alice.pk}.2.1"')


def test_everybody_sees_their_own(client: Client, alice: User, bob: User) -> None:
    ledger.grant(wallet_id=bob.pk, tokens=90, key="g")
    client.force_login(alice)
    assert client.get(URL).json()["available"] == 10
    client.force_login(bob)
    assert client.get(URL).json()["available"] == 100


def test_a_bearer_comes_before_the_session(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    found = client.get(URL, headers=bearer(bob))
    assert (found.status_code, found.json()["user_id"]) == (200, str(bob.pk))
    bad = client.get(URL, headers={"Authorization": "Bearer nonsense"})
    error_of(bad, 401, "not_signed_in")


def test_the_signed_out_get_401(client: Client) -> None:
    error_of(client.get(URL), 401, "not_signed_in")


def test_a_revoked_bearer_gets_401(client: Client, alice: User) -> None:
    headers = bearer(alice)
    TokenFamily.objects.update(revoked_at=timezone.now())
    error_of(client.get(URL, headers=headers), 401, "not_signed_in")


def test_the_suspended_hear_that_they_are(client: Client, alice: User) -> None:
    headers = bearer(alice)
    client.force_login(alice)
    User.objects.update(suspended_at=timezone.now())  # their session is still there
    error_of(client.get(URL), 403, "suspended")
    suspend(user=alice)
    error_of(client.get(URL, headers=headers), 403, "suspended")


def test_it_is_json_or_nothing(client: Client, alice: User) -> None:
    client.force_login(alice)
    error_of(client.get(URL, headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert client.get(URL, headers={"Accept": "*/*"}).status_code == 200


def test_it_counts_for_the_rate_limit(
    client: Client, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 3)
    stand_still(monkeypatch)
    settings.RATE_LIMITS, settings.REDIS_URL = True, ""
    headers = bearer(alice)
    statuses = [client.get(URL, headers=headers).status_code for _ in range(5)]
    assert statuses == [200] * 3 + [429] * 2


def test_it_has_the_headers_and_the_log_line_of_every_answer(client: Client, alice: User) -> None:
    client.force_login(alice)
    with capture_logs() as lines:
        found = client.get(URL)
    assert found["X-Request-ID"]
    assert found["Content-Security-Policy"]
    assert found["X-Content-Type-Options"] == "nosniff"
    assert {"Accept-Language", "Cookie"} <= {*found["Vary"].split(", ")}
    (line,) = (line for line in lines if line["event"] == "request_finished")
    assert (line["code"], line["request"]) == (200, f"GET {URL}")


def test_the_log_names_whose_bearer_it_was(alice: User) -> None:
    request = RequestFactory().get(URL, headers=bearer(alice))
    assert async_to_sync(tokens.tokens)(request).status_code == 200
    assert request.user == alice


def test_a_database_that_is_away_is_an_error_like_others(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(user_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(tokens, "wallets", DataLoader(away))
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    assert error_of(client.get(URL), 503, "unavailable")["retry_after"]


def test_an_account_without_a_wallet_gets_one(client: Client) -> None:
    (late,) = User.objects.bulk_create([User(username="late", email="late@example.com")])
    client.force_login(late)
    assert client.get(URL).json()["available"] == 10
    assert Wallet.objects.get(pk=late.pk).version == 1


def test_it_can_only_be_read(client: Client, alice: User) -> None:
    client.force_login(alice)
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(client, method)(URL, {"balance": 1_000}, "application/json")
        assert answer.status_code == 405
    assert client.get(URL).json()["balance"] == 10
    head = client.head(URL)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", f'"{alice.pk}.1.1"')
