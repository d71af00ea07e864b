"""Who asks too often gets 429: per person and scope, pages and API counted together."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from pytest_django import Settings

from intellispark.accounts import rate_limits
from intellispark.accounts.models import User
from intellispark.accounts.rate_limits import MemoryCounter, limiter
from intellispark.accounts.tokens import issue
from intellispark.realtime.transport.breaker import redis_breaker
from tests.api.conftest import error_of
from tests.support.redis import forget_failures
from tests.support.time_travel import stand_still

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]
JSON = "application/json"
AS_IT_IS_SECS = rate_limits.REDIS_TIMEOUT_SECS
BAD = {"username": "nobody", "password": "wrong"}


@pytest.fixture(autouse=True)
def _counted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Limits on, from nought, in one place throughout; and nothing left for other tests.

    Other workers count on the same Redis, and a slow moment of it would move the count to memory.
    """
    settings.RATE_LIMITS = True
    monkeypatch.setattr(rate_limits, "KEY_PREFIX", f"test:{uuid4().hex}")
    monkeypatch.setattr(rate_limits, "REDIS_TIMEOUT_SECS", 60)
    if not settings.REDIS_URL:
        stand_still(monkeypatch)
    _forget()
    yield
    _forget()


def _forget() -> None:
    limiter.memory.clear()
    limiter._redis.clear()
    forget_failures()


def sign_in(client: Client, **extra: str) -> int:
    return client.post("/api/auth/login", BAD, content_type=JSON, **extra).status_code


def test_the_eleventh_sign_in_of_a_minute_is_refused_on_page_and_api_together(api: Client) -> None:
    client = Client()
    for _ in range(5):
        assert sign_in(client) == 401
        client.post("/accounts/login/", {"login": "nobody", "password": "wrong"})
    response = client.post("/api/auth/login", BAD, content_type=JSON)
    error = error_of(response, 429, "rate_limited")
    assert 1 <= error["retry_after"] <= 60
    assert response["Retry-After"] == str(error["retry_after"])
    page = client.post("/accounts/login/", {"login": "nobody", "password": "wrong"})
    assert page.status_code == 429
    assert page["Content-Type"].startswith("text/html")
    assert page["Retry-After"]
    assert client.get("/accounts/login/").status_code == 200


def test_sign_ins_count_by_address_even_when_somebody_is_signed_in(alice: User, bob: User) -> None:
    first, second = Client(), Client()
    first.force_login(alice)
    second.force_login(bob)
    for _ in range(5):
        assert sign_in(first) == sign_in(second) == 401
    assert sign_in(first) == sign_in(second) == 429
    assert sign_in(Client(), REMOTE_ADDR="192.0.2.9") == 401


def test_sign_ups_are_twenty_an_hour(api: Client) -> None:
    for _ in range(10):
        assert api.post("/api/auth/register", {}, content_type=JSON).status_code == 422
        Client().post("/accounts/signup/", {})
    response = api.post("/api/auth/register", {}, content_type=JSON)
    assert error_of(response, 429, "rate_limited")["retry_after"] > 60


def test_the_limits_are_those_of_the_contract() -> None:
    scopes = {*rate_limits.POSTS.values(), rate_limits.ELSE}
    assert {scope.name: str(scope.limit) for scope in scopes} == {
        "generate": "60 per 1 minute",
        "messages": "120 per 1 minute",
        "sign-in": "10 per 1 minute",
        "sign-up": "20 per 1 hour",
        "else": "600 per 1 minute",
    }


def test_everything_else_is_counted_for_each_person(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 30)
    headers = [{"Authorization": f"Bearer {issue(user)['access']}"} for user in (alice, bob)]
    client = Client()
    statuses = [client.get("/api/auth/me", headers=headers[0]).status_code for _ in range(30)]
    assert set(statuses) == {200}
    client.force_login(alice)  # a session counts with the tokens of the same person
    assert client.get("/api/auth/me").status_code == 429
    assert Client().get("/api/auth/me", headers=headers[1]).status_code == 200
    assert Client().get("/api/auth/me").status_code == 401


def test_a_forged_bearer_counts_for_its_address_not_for_whom_it_names(
    alice: User, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 3)
    forged = {"Authorization": f"Bearer {issue(alice)['access'][:-4]}AAAA"}
    assert [api.get("/api/auth/me", headers=forged).status_code for _ in range(4)][-1] == 429
    good = {"Authorization": f"Bearer {issue(alice)['access']}"}
    assert api.get("/api/auth/me", headers=good).status_code == 200


@pytest.mark.parametrize(
    "path", ["/healthz", "/metrics", "/static/nothing.css", "/api/payment/webhooks/stripe"]
)
def test_some_paths_are_not_counted(
    path: str, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 2)
    assert 429 not in [api.get(path).status_code for _ in range(5)]
    assert [api.get("/api/nothing").status_code for _ in range(3)] == [404, 404, 429]


def test_off_is_off(settings: Settings, api: Client) -> None:
    settings.RATE_LIMITS = False
    assert {sign_in(api) for _ in range(15)} == {401}


def test_every_scope_names_a_path_that_exists() -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert set(rate_limits.POSTS) <= names


def test_the_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute into the next window, half of the last one's count still weighs."""
    counter = MemoryCounter()
    now = 1_000 * 60.0
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: now))
    limit = rate_limits.SIGN_IN.limit
    assert [counter.hit("60:a", limit) for _ in range(10)] == [None] * 10
    assert counter.hit("60:a", limit) == 61
    now += 60
    assert counter.hit("60:a", limit) == 1
    now += 30
    assert [counter.hit("60:a", limit) for _ in range(5)] == [None] * 5
    wait = counter.hit("60:a", limit)
    assert wait == 1
    now += wait
    assert counter.hit("60:a", limit) is None
    now += 3 * 3600
    counter.hit("60:b", limit)
    assert list(counter._counts) == ["60:b"]


def test_a_frozen_redis_costs_one_short_wait_and_counting_goes_on_in_memory(
    settings: Settings, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that accepts and never answers; `redis_breaker` rests between two tries."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        accepting = threading.Thread(target=_accept_forever, args=(frozen,), daemon=True)
        accepting.start()
        settings.REDIS_URL = f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"
        monkeypatch.setattr(rate_limits, "REDIS_TIMEOUT_SECS", AS_IT_IS_SECS)
        monkeypatch.setattr(redis_breaker, "_rest_secs", 3_600)
        tries: list[str] = []
        ask = limiter._hit_redis
        monkeypatch.setattr(limiter, "_hit_redis", lambda *of: tries.append("") or ask(*of))
        stand_still(monkeypatch)
        statuses = [sign_in(api) for _ in range(11)]
        assert len(tries) == 1, "one wait for all"
        assert not redis_breaker.allows() or redis_breaker._failing
    assert statuses == [401] * 10 + [429]


def _accept_forever(server: socket.socket) -> None:
    kept = []
    while True:
        try:
            kept.append(server.accept())
        except OSError:
            return


@pytest.mark.parametrize("already", [0, 7])
def test_whoever_waits_as_long_as_told_gets_in(
    monkeypatch: pytest.MonkeyPatch, already: int
) -> None:
    now, counter = 6_000.0 + 31.4, MemoryCounter()
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: now))
    limit = rate_limits.SIGN_IN.limit
    for _ in range(already):
        assert counter.hit("60:x", limit) is None
    now += 60 if already else 0
    for _ in range(3):
        while (wait := counter.hit("60:x", limit)) is None:
            pass
        now += wait
        assert counter.hit("60:x", limit) is None
