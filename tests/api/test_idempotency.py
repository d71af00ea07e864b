"""One effect for one client key."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Character
from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.errors import Forbidden, Invalid, NotFound
from intellispark.api.idempotency import IdempotencyConflict, client_key, once, purge
from intellispark.api.lookups import get_by_id
from intellispark.api.models import IdempotencyKey
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

BODY = {"content": "Hello", "n": 1}
Answer = tuple[str, UUID]


def ask(user: User, *, refuse: Callable[[], bool] = lambda: False, **changes: Any) -> Answer:
    """Asks for a character: how the answer came about, and the character's id."""

    def make(record: IdempotencyKey) -> Answer:
        made = Character.objects.create(pk=record.resource_id)
        if refuse():
            raise Forbidden
        return "made", made.pk

    def replay(record: IdempotencyKey) -> Answer:
        return "replayed", get_by_id(Character.objects.all(), record.resource_id).pk

    asked = {"operation": "test.make", "key": "k", "body": BODY} | changes
    return once(user=user, make=make, replay=replay, **asked)


def grow_old() -> None:
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))


def test_a_key_has_its_effect_once(alice: User) -> None:
    how, made = ask(alice)
    assert how == "made"
    assert ask(alice, body={"n": 1, "content": "Hello"}) == ("replayed", made)
    assert Character.objects.count() == 1


def test_another_body_is_a_conflict(alice: User) -> None:
    ask(alice)
    with pytest.raises(IdempotencyConflict):
        ask(alice, body={"content": "Bye"})
    assert Character.objects.count() == 1


@pytest.mark.parametrize(
    "other", [{"operation": "checkout"}, {"scope": "chat-2"}, {"key": "k2"}], ids=str
)
def test_a_key_only_counts_in_its_scope(alice: User, bob: User, other: dict[str, str]) -> None:
    ask(alice)
    assert ask(alice, **other)[0] == "made"
    assert ask(bob)[0] == "made"


def test_a_refused_request_leaves_nothing_and_its_key_free(alice: User) -> None:
    with pytest.raises(Forbidden):
        ask(alice, refuse=lambda: True)
    assert not Character.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert ask(alice, body="another")[0] == "made"


def test_a_replay_is_not_refused_for_what_holds_now(alice: User) -> None:
    _, made = ask(alice)
    assert ask(alice, refuse=lambda: True) == ("replayed", made)


def test_a_replay_of_what_was_deleted_since_finds_nothing(alice: User) -> None:
    ask(alice)
    Character.objects.all().delete()
    with pytest.raises(NotFound):
        ask(alice)
    assert not Character.objects.exists()


def test_without_a_key_nothing_is_kept(alice: User) -> None:
    assert [ask(alice, key="")[0] for _ in range(2)] == ["made", "made"]
    with pytest.raises(Forbidden):
        ask(alice, key="", refuse=lambda: True)
    assert Character.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_a_key_is_forgotten_after_a_day(alice: User) -> None:
    _, first = ask(alice)
    grow_old()
    with pytest.raises(Forbidden):
        ask(alice, refuse=lambda: True)
    how, second = ask(alice, body="another")
    assert how == "made"
    assert second != first
    assert ask(alice, body="another") == ("replayed", second)
    grow_old()
    assert purge() == 1


def test_a_new_key_is_one_statement_and_a_known_one_two(alice: User) -> None:
    for expected in (["INSERT"], ["INSERT", "SELECT"]):
        with CaptureQueriesContext(connection) as queries:
            ask(alice)
        about = [each["sql"] for each in queries if "api_idempotencykey" in each["sql"]]
        assert [sql.split()[0] for sql in about] == expected


def test_a_key_that_is_purged_before_its_look_up_is_asked_for_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made = ask(alice)
    find, looks = idempotency._find, []

    def find_nothing_at_first(record: IdempotencyKey) -> IdempotencyKey | None:
        looks.append(record)
        return find(record) if len(looks) > 1 else None

    monkeypatch.setattr(idempotency, "_find", find_nothing_at_first)
    assert ask(alice) == ("replayed", made)
    assert Character.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_old", [False, True], ids=["new", "after a day"])
def test_of_eight_at_once_one_has_the_effect_and_the_others_its_answer(is_old: bool) -> None:
    user = make_user("alice")
    if is_old:
        ask(user)
        grow_old()
        Character.objects.all().delete()
    barrier = Barrier(8)

    def request(number: int) -> Answer:
        barrier.wait()
        try:
            return ask(user)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(request, range(8)))
    assert sorted(how for how, _ in answers) == ["made"] + ["replayed"] * 7
    assert {made for _, made in answers} == {Character.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_an_equal_request_succeeds_where_the_one_it_waits_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = make_user("alice")
    writes, looks = Event(), []
    second_has_looked = Event()
    find = idempotency._find

    def find_and_tell(record: IdempotencyKey) -> IdempotencyKey | None:
        found = find(record)
        looks.append(record)
        if len(looks) == 2:
            second_has_looked.set()
        return found

    def refuse_in_the_middle() -> bool:
        writes.set()
        second_has_looked.wait(60)
        return True

    def first() -> None:
        try:
            with pytest.raises(Forbidden):
                ask(user, refuse=refuse_in_the_middle)
        finally:
            connection.close()

    monkeypatch.setattr(idempotency, "_find", find_and_tell)
    with ThreadPoolExecutor(1) as pool:
        refused = pool.submit(first)
        assert writes.wait(60)
        how, made = ask(user)
        refused.result()
    assert how == "made"
    assert Character.objects.get().pk == made


@pytest.mark.parametrize("key", ["x" * 81, "caf\xe9", "a\tb"])
def test_a_key_that_is_too_long_or_odd_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        client_key(RequestFactory().get("/", headers={"Idempotency-Key": key}))


def test_a_key_may_be_80_characters_or_absent() -> None:
    assert client_key(RequestFactory().get("/", headers={"Idempotency-Key": "x" * 80})) == "x" * 80
    assert client_key(RequestFactory().get("/")) == ""
