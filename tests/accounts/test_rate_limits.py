"""Who asks too often gets 429: per person and scope, pages and API counted together."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import get_resolver
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from pytest_django import Settings

from chat.conversations.chats import create_chat
from chat.models import Generation
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from intellispark.accounts import rate_limits
from intellispark.accounts.models import User
from intellispark.accounts.rate_limits import limiter
from intellispark.accounts.suspension import suspend
from intellispark.accounts.tokens import issue
from intellispark.realtime.transport.breaker import redis_breaker
from tests.api.conftest import error_of
from tests.support.factories import make_character
from tests.support.redis import forget_failures
from tests.support.replies import Client as Reader
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
    monkeypatch.setattr(limiter, "memory", SlidingWindowCounterRateLimiter(MemoryStorage()))
    if not settings.REDIS_URL:
        stand_still(monkeypatch)
    _forget()
    yield
    _forget()


def _forget() -> None:
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
    other = {"username": "somebody", "password": "wrong"}
    elsewhere = {"content_type": JSON, "REMOTE_ADDR": "192.0.2.9"}
    assert Client().post("/api/auth/login", other, **elsewhere).status_code == 401


def test_sign_ups_are_twenty_an_hour(api: Client) -> None:
    for _ in range(10):
        assert api.post("/api/auth/register", {}, content_type=JSON).status_code == 422
        Client().post("/accounts/signup/", {})
    response = api.post("/api/auth/register", {}, content_type=JSON)
    assert error_of(response, 429, "rate_limited")["retry_after"] > 60


def test_the_limits_are_those_of_the_contract() -> None:
    scopes = {*rate_limits.POSTS.values(), rate_limits.SIGN_IN, rate_limits.ELSE}
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


def test_a_request_is_counted_before_it_is_worked_on(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    """Who asks too often costs two queries, to know who it is: no page, no write, no form."""
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 1)
    client.force_login(alice)
    assert client.get("/healthz").status_code == 200
    assert client.get("/accounts/nowhere/").status_code == 404
    suspend(user=alice)
    for method, path, sent in (
        ("get", "/", {}),
        ("get", "/characters/", {"q": "\x00"}),
        ("post", "/preferences/", {"x": "\x00"}),
        ("post", "/accounts/login/", {"login": "x" * 2_000_000}),
        ("get", "/api/characters", {}),
    ):
        with django_assert_max_num_queries(2) as asked:
            assert getattr(client, method)(path, sent).status_code == 429, path
        verbs = {query["sql"].split()[0] for query in asked.captured_queries}
        assert verbs <= {"SELECT"}, path


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


@pytest.fixture
def hit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int | None]:
    """Counts a sign-in in memory at that time, each in a loop of its own."""
    settings.REDIS_URL = ""

    def hit_at(now: float, who: str = "somebody") -> int | None:
        stand_still(monkeypatch, now)
        return async_to_sync(limiter.hit)(rate_limits.SIGN_IN, who)

    return hit_at


def test_the_window_slides(hit: Callable[..., int | None]) -> None:
    """Half a minute into the next window, half of the last one's count still weighs."""
    now = 6_001.0
    assert [hit(now) for _ in range(10)] == [None] * 10
    assert hit(now) == 60
    now += 60
    assert hit(now) is None
    assert hit(now) is not None
    now += 29
    assert [hit(now) for _ in range(4)] == [None] * 4
    assert hit(now) is not None


def test_memory_forgets_who_has_not_come_for_two_windows(hit: Callable[..., int | None]) -> None:
    now, kept = 6_001.0, limiter.memory.storage
    for number in range(50):
        hit(now, f"visitor {number}")
    assert len(kept.storage) == 50
    hit(now + 121, "the next")
    assert len(kept.storage) == len(kept.expirations) == len(kept.locks) == 1


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
        ask = limiter._in_redis
        monkeypatch.setattr(limiter, "_in_redis", lambda: tries.append("") or ask())
        stand_still(monkeypatch)
        statuses = [sign_in(api) for _ in range(11)]
        assert len(tries) == 1, "one wait for all"
        assert not redis_breaker.allows()
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
    hit: Callable[..., int | None], already: int
) -> None:
    now = 6_000.0 + 31.4
    for _ in range(already):
        assert hit(now) is None
    now += 60 if already else 0
    for _ in range(3):
        while (wait := hit(now)) is None:
            pass
        now += wait
        assert hit(now) is None


STEP = rate_limits.ANSWER_BYTES
SIZES = [
    ((STEP - 1,), 0),
    ((STEP,), 1),
    ((STEP * 10 + 5,), 10),
    ((STEP // 2,) * 5, 2),
    ((1,) * 9, 0),
]


@pytest.mark.parametrize(("parts", "counted"), SIZES)
@pytest.mark.parametrize("is_stream", [False, True])
def test_every_long_answer_weighs_by_its_size(
    parts: tuple[int, ...], counted: int, is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = []

    async def hit(scope: rate_limits.Scope, who: str) -> int | None:
        hits.append(who)
        return None

    async def sent() -> AsyncIterator[bytes]:
        for size in parts:
            yield b"x" * size

    async def answer() -> int:
        response: HttpResponseBase = HttpResponse(b"x" * sum(parts))
        if is_stream:
            response = StreamingHttpResponse(sent())
        await limiter.weigh(response, rate_limits.ELSE, "alice")
        if isinstance(response, StreamingHttpResponse):
            return sum([len(part) async for part in response])
        return len(response.content)

    monkeypatch.setattr(limiter, "hit", hit)
    assert async_to_sync(answer)() == sum(parts)
    assert hits == ["alice"] * counted


def test_an_answer_weighs_up_to_what_is_left(hit: Callable[..., int | None]) -> None:
    """One that is heavier than all that is left is not free for that."""
    assert hit(6_000.0) is None
    big = HttpResponse(b"x" * STEP * 99)
    async_to_sync(limiter.weigh)(big, rate_limits.SIGN_IN, "somebody")
    assert hit(6_000.0) is not None


@pytest.mark.django_db(transaction=True)
async def test_who_asks_for_long_streams_asks_less_often(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = await sync_to_async(finished_reply)(alice, "word " * 20_000)
    monkeypatch.setattr(rate_limits.ELSE.limit, "amount", 12)
    monkeypatch.setattr(rate_limits, "ANSWER_BYTES", 50_000)
    reader = Reader(alice)
    for _ in range(2):  # each of them counts for itself, and for 200 kB and more
        assert len(await reader.events(generation.pk)) == 3
    path = f"/api/generations/{generation.pk}/events"
    statuses = [(await reader.get(path)).status_code for _ in range(3)]
    assert statuses[-1] == 429


def finished_reply(user: User, text: str) -> Generation:
    chat = create_chat(user=user, character_id=make_character().pk)
    generation, _ = start(user=user, chat_id=chat.pk, body={"content": "Hi."})
    outcome = Outcome(Generation.Status.COMPLETE, text)
    finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    return generation
