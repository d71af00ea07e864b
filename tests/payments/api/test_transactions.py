"""The history over HTTP, and its paging while new entries are written."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intellispark.accounts.models import User
from payments.api import transactions as api
from payments.ledger import history
from payments.ledger import operations as ledger
from payments.models import Wallet
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

URL = "/api/payment/user/transactions"


def read(client: Client, url: str = URL, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def reply(user: User, *, keep: bool = True) -> None:
    key = f"gen:{uuid4()}"
    held = ledger.hold(
        wallet_id=user.pk, tokens=1, key=f"{key}:hold", description="Reply from Yuki"
    )
    settle = ledger.capture if keep else ledger.release
    settle(hold=held, key=f"{key}:end")


def test_an_item_has_the_fields_of_the_contract(client: Client, alice: User) -> None:
    client.force_login(alice)
    [item] = read(client)
    assert item.pop("created_at").endswith("Z")
    assert isinstance(item.pop("id"), int)
    assert item == {
        "version": 1,
        "kind": "grant",
        "amount": 10,
        "held_change": 0,
        "balance_after": 10,
        "held_after": 0,
        "description": "Welcome tokens",
    }


def test_a_reason_is_told_where_there_is_one(client: Client, alice: User, bob: User) -> None:
    ledger.adjust(wallet_id=alice.pk, tokens=5, key="adj:1", actor=bob, reason="goodwill")
    client.force_login(alice)
    newest = read(client)[0]
    assert (newest["kind"], newest["reason"]) == ("adjustment", "goodwill")
    assert "actor" not in newest


def test_holds_and_releases_come_only_when_all_is_asked_for(client: Client, alice: User) -> None:
    reply(alice)
    reply(alice, keep=False)
    ledger.hold(wallet_id=alice.pk, tokens=1, key="gen:open:hold")
    client.force_login(alice)
    assert [item["kind"] for item in read(client)] == ["capture", "grant"]
    assert [item["version"] for item in read(client, kind="all")] == [6, 5, 4, 3, 2, 1]


def test_one_kind_can_be_asked_for(client: Client, alice: User) -> None:
    reply(alice)
    client.force_login(alice)
    assert [item["kind"] for item in read(client, kind="grant")] == ["grant"]
    assert read(client, kind="purchase") == []


def test_adjustments_are_not_purchases(client: Client, alice: User, bob: User) -> None:
    ledger.adjust(wallet_id=alice.pk, tokens=500, key="adj:1", actor=bob, reason="x")
    client.force_login(alice)
    assert read(client, kind="purchase") == []


@pytest.mark.parametrize(
    "query", [{"kind": "gift"}, {"cursor": "x"}, {"cursor": "0"}, {"cursor": "-1"}]
)
def test_nonsense_is_refused(client: Client, alice: User, query: dict[str, str]) -> None:
    client.force_login(alice)
    answer = client.get(URL, query)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == list(query)


def test_nobody_reads_anybody_elses(client: Client, alice: User, bob: User) -> None:
    ledger.grant(wallet_id=alice.pk, tokens=5, key="g", description="Secret")
    client.force_login(bob)
    assert [item["description"] for item in read(client, kind="all")] == ["Welcome tokens"]


def test_next_keeps_the_filter_and_ends(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PAGE_SIZE", 2)
    for _ in range(2):
        reply(alice)
    client.force_login(alice)
    seen: list[int] = []
    url: str | None = f"{URL}?kind=all"
    while url:
        answer = client.get(url).json()
        seen += [item["version"] for item in answer["results"]]
        url = answer["next"]
        assert url is None or ("kind=all" in url and url.startswith("http://testserver/api/"))
    assert seen == [5, 4, 3, 2, 1]


def test_a_page_costs_one_query_for_the_entries(
    client: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        reply(alice)
    client.force_login(alice)
    with django_assert_max_num_queries(3):  # the session, the user, the entries
        read(client, kind="all")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    start=st.integers(0, 12),
    limit=st.integers(1, 5),
    arrivals=st.lists(st.integers(0, 3), max_size=12),
    backwards=st.booleans(),
)
def test_paging_misses_nothing_and_repeats_nothing_while_entries_arrive(
    db: None, start: int, limit: int, arrivals: list[int], backwards: bool
) -> None:
    user = make_user()

    def write(number: int) -> None:
        for _ in range(number):
            ledger.grant(wallet_id=user.pk, tokens=1, key=str(uuid4()))

    write(start)
    first = Wallet.objects.get(pk=user.pk).version
    coming = iter(arrivals)
    page = history.read(user_id=user.pk, kind="all", limit=limit)
    seen = [entry.version for entry in page.entries]
    while page.older is not None:
        write(next(coming, 0))
        page = history.read(user_id=user.pk, kind="all", before=page.older, limit=limit)
        seen += [entry.version for entry in page.entries]
    assert seen == list(range(first, 0, -1))
    if not backwards:
        return
    climbed = [entry.version for entry in page.entries]
    while page.newer is not None:
        below = climbed[0]
        page = history.read(user_id=user.pk, kind="all", after=page.newer, limit=limit)
        climbed = [e.version for e in page.entries if e.version > below] + climbed
    newest = Wallet.objects.get(pk=user.pk).version
    assert climbed == list(range(newest, 0, -1))
