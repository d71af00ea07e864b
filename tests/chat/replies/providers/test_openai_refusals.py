"""What compatible servers refuse: tried again or not, and what it means to the user."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pytest_django.fixtures import Settings

from chat.errors import ProviderFailed, ProviderTimeout, ProviderUnavailable, ReplyError
from chat.replies.providers.base import Retrying
from chat.replies.providers.openai import OpenAIProvider
from tests.support.openai_ask import REQUEST, text_of
from tests.support.openai_peer import HOLD, RESET, Answer, Peer, event, refusal, reply

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("impatient")]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_passing_refusal_is_tried_again(ask, status: int) -> None:
    with Peer(refusal(status), reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    assert len(peer.requests) == 2


async def test_a_refusal_in_the_stream_is_tried_again_as_one_before_it(ask) -> None:
    first = Answer([event({"error": {"code": 429, "message": "slow down"}})])
    second = Answer([event({"error": {"type": "overloaded_error", "message": "busy"}})])
    with Peer(first, second, reply("Hi")) as peer:
        assert text_of(await ask(peer)) == "Hi"
    assert len(peer.requests) == 3


async def test_what_the_wait_is_for_is_told(ask) -> None:
    with Peer(refusal(429), reply("Hi")) as peer:
        events = await ask(peer)
    assert isinstance(events[0], Retrying)
    assert isinstance(events[0].error, ProviderUnavailable)


async def test_retry_after_is_obeyed(ask) -> None:
    with Peer(refusal(429, **{"Retry-After": "1"}), reply("Hi")) as peer:
        began = time.monotonic()
        await ask(peer)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("asked", "tries", "told"),
    [
        ("inf", 3, 30),
        ("nan", 3, 30),
        ("-inf", 3, 30),
        ("1e400", 3, 30),
        ("soon", 3, 30),
        ("", 3, 30),
        ("-5", 3, 1),
        ("0", 3, 1),
        ("600", 1, 600),
        ("11.5", 1, 12),
        ("1e9", 1, 3_600),
        (timedelta(minutes=-1), 3, 1),
        (timedelta(minutes=15), 1, 900),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1, 3_600),
        ("Fri, 99 Foo 2026 99:99:99 GMT", 3, 30),
    ],
)
async def test_whatever_retry_after_says_the_wait_is_bounded(
    ask, asked: str | timedelta, tries: int, told: int
) -> None:
    if isinstance(asked, timedelta):
        asked = format_datetime(datetime.now(UTC) + asked, usegmt=True)
    with (
        Peer(refusal(429, **{"Retry-After": asked})) as peer,
        pytest.raises(ProviderUnavailable) as raised,
    ):
        await ask(peer)
    assert len(peer.requests) == tries
    assert raised.value.retry_after is not None
    assert told - 120 <= raised.value.retry_after <= told


LASTING: dict[str, tuple[Answer, type[Exception], int]] = {
    "still too many": (refusal(429), ProviderUnavailable, 3),
    "a long wait": (refusal(429, **{"Retry-After": "600"}), ProviderUnavailable, 1),
    "no quota": (
        refusal(429, {"message": "billing", "code": "insufficient_quota"}),
        ProviderUnavailable,
        1,
    ),
    "wrong key": (refusal(401), ProviderUnavailable, 1),
    "our credit is gone": (refusal(402), ProviderUnavailable, 1),
    "no such model": (refusal(404), ProviderUnavailable, 1),
    "bad request": (refusal(400), ProviderFailed, 1),
    "a server error": (refusal(500), ProviderFailed, 3),
    "gateway timeout": (refusal(504), ProviderTimeout, 3),
    "a page where the API should be": (
        Answer([b"<html>Sign in</html>"], headers={"Content-Type": "text/html"}),
        ProviderFailed,
        1,
    ),
    "an error of status 200": (
        Answer([b'{"error": {"message": "no", "code": 500}}']),
        ProviderFailed,
        3,
    ),
    "nothing at all": (Answer([]), ProviderFailed, 1),
    "reset before the answer": (Answer([RESET], silent=True), ProviderUnavailable, 3),
    "no HTTP": (Answer([b"hello"], silent=True), ProviderUnavailable, 3),
}


@pytest.mark.parametrize(("answer", "error", "tries"), LASTING.values(), ids=LASTING.keys())
async def test_a_lasting_refusal_is_never_the_users_own_problem(
    ask, answer: Answer, error: type[Exception], tries: int
) -> None:
    with Peer(answer) as peer, pytest.raises(error) as raised:
        await ask(peer)
    assert len(peer.requests) == tries
    assert raised.value.status in (502, 503, 504)
    for word in ("quota", "billing", "credit", "key"):
        assert word not in str(raised.value)
    if "Retry-After" in answer.headers:
        assert raised.value.retry_after == 600


async def test_a_rate_limit_on_tokens_is_no_matter_of_length(ask) -> None:
    refused = refusal(429, {"message": "Request too large: tokens exceeds the limit"})
    with Peer(refused) as peer, pytest.raises(ProviderUnavailable):
        await ask(peer)
    assert len({len(request.body["messages"]) for request in peer.requests}) == 1


async def test_nobody_there_is_unavailable(settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    with pytest.raises(ProviderUnavailable):
        [event_ async for event_ in OpenAIProvider().stream(REQUEST)]


async def test_a_refusal_whose_words_never_come_is_told_by_its_status(
    ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.replies.providers.openai.REFUSAL_SECS", 0.1)
    with Peer(Answer([b'{"error"', HOLD], status=402)) as peer, pytest.raises(ReplyError) as raised:
        await ask(peer)
    assert isinstance(raised.value, ProviderUnavailable)
