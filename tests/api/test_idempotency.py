"""One effect for one client key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from intellispark.accounts.models import User
from intellispark.api.errors import Invalid
from intellispark.api.idempotency import (
    IdempotencyConflict,
    KeyTaken,
    claim,
    client_key,
    find,
    purge,
)
from intellispark.api.models import IdempotencyKey
from tests.support.factories import make_user

pytestmark = pytest.mark.both_engines

BODY = {"content": "Hello", "n": 1}


def scoped(user: User, **changes: object) -> dict[str, object]:
    return {
        "user": user,
        "operation": "chat.create",
        "scope": "",
        "key": "k",
        "body": BODY,
    } | changes


def test_a_key_gives_its_first_answer_again(alice: User) -> None:
    assert find(**scoped(alice)) is None
    record = claim(**scoped(alice))
    identifier = uuid4()
    record.answer(201, {"id": identifier})
    record.refer(identifier)
    found = find(**scoped(alice, body={"n": 1, "content": "Hello"}))
    assert found is not None
    assert (found.status, found.response) == (201, {"id": str(identifier)})
    assert found.reference == str(identifier)


def test_another_body_is_a_conflict(alice: User) -> None:
    claim(**scoped(alice))
    with pytest.raises(IdempotencyConflict):
        find(**scoped(alice, body={"content": "Bye"}))


@pytest.mark.parametrize(
    "other", [{"operation": "checkout"}, {"scope": "chat-2"}, {"key": "k2"}], ids=str
)
def test_a_key_only_counts_in_its_scope(alice: User, bob: User, other: dict[str, str]) -> None:
    claim(**scoped(alice))
    assert find(**scoped(alice, **other)) is None
    assert find(**scoped(bob)) is None


def test_a_refused_request_leaves_its_key_free(alice: User) -> None:
    with transaction.atomic():
        claim(**scoped(alice))
        transaction.set_rollback(True)
    assert find(**scoped(alice)) is None


def test_without_a_key_nothing_is_kept(alice: User) -> None:
    record = claim(**scoped(alice, key=""))
    record.answer(201, {})
    assert find(**scoped(alice, key="")) is None
    assert not IdempotencyKey.objects.exists()


def test_a_key_is_forgotten_after_a_day(alice: User) -> None:
    claim(**scoped(alice))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert find(**scoped(alice)) is None
    claim(**scoped(alice, body="another"))
    assert find(**scoped(alice, body="another"))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert purge() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_has_the_effect_and_the_other_finds_the_answer() -> None:
    user = make_user("alice")
    barrier = Barrier(8)

    def request(number: int) -> tuple[int, bool]:
        barrier.wait()
        try:
            with transaction.atomic():
                claim(**scoped(user)).answer(201, {"by": number})
            return number, True
        except KeyTaken:
            found = find(**scoped(user))
            assert found
            return found.response["by"], False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(request, range(8)))
    assert len({number for number, _ in answers}) == 1
    assert [won for _, won in answers].count(True) == 1


@pytest.mark.parametrize("key", ["x" * 81, "caf\xe9", "a\tb"])
def test_a_key_that_is_too_long_or_odd_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        client_key(RequestFactory().get("/", headers={"Idempotency-Key": key}))


def test_a_key_may_be_80_characters_or_absent() -> None:
    assert client_key(RequestFactory().get("/", headers={"Idempotency-Key": "x" * 80})) == "x" * 80
    assert client_key(RequestFactory().get("/")) == ""
