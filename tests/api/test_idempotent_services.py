"""Each service that takes a key keeps the same rule: see `intellispark.api.idempotency.once`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any, Protocol
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat.conversations.chats import create_chat
from chat.conversations.messages import post_message
from chat.models import Character, Chat, Generation, Message
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from intellispark.accounts.models import User
from intellispark.api import idempotency
from intellispark.api.errors import DomainError, NotFound
from intellispark.api.idempotency import IdempotencyConflict
from intellispark.api.models import IdempotencyKey
from payments.billing.catalogue import PACKS
from payments.billing.checkout import start_checkout
from payments.models import Purchase, Wallet
from tests.support.factories import make_character, make_user, set_tokens


class Operation(Protocol):
    """Something that a client asks for under a key."""

    url: str
    body: dict[str, Any]

    def ask(self, *, other: bool = False) -> UUID:
        """Ask under the key `k`, or for another thing under the same: the id of what was made."""

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Meanwhile the same request is refused."""

    def made(self) -> Any:
        """The rows of what was made."""

    def finish(self) -> None:
        """Nothing stands in the way of another."""


class CreateChat:
    url = "/api/chats"

    def __init__(self, user: User) -> None:
        self.user, self.characters = user, [make_character("Mira"), make_character("Yuki")]
        self.body = {"character_id": str(self.characters[0].pk)}

    def ask(self, *, other: bool = False) -> UUID:
        character = self.characters[other]
        return create_chat(user=self.user, character_id=character.pk, key="k").pk

    @contextmanager
    def refused(self) -> Iterator[None]:
        Character.objects.update(is_public=False)
        yield
        Character.objects.update(is_public=True)

    def made(self) -> Any:
        return Chat.objects.all()

    def finish(self) -> None:
        pass


class PostMessage:
    def __init__(self, user: User) -> None:
        self.user = user
        self.chat = create_chat(user=user, character_id=make_character().pk)
        self.url, self.body = f"/api/chats/{self.chat.pk}/messages", {"content": "Hi."}

    def ask(self, *, other: bool = False) -> UUID:
        content = "Ho." if other else "Hi."
        return post_message(user=self.user, chat=self.chat, content=content, key="k").pk

    @contextmanager
    def refused(self) -> Iterator[None]:
        Chat.objects.update(user=make_user("somebody-else"))
        yield
        Chat.objects.update(user=self.user)

    def made(self) -> Any:
        return Message.objects.filter(role="user")

    def finish(self) -> None:
        pass


class StartReply:
    def __init__(self, user: User) -> None:
        self.user = user
        self.chat = create_chat(user=user, character_id=make_character().pk)
        self.url, self.body = f"/api/chats/{self.chat.pk}/generate", {"content": "Hi."}

    def ask(self, *, other: bool = False) -> UUID:
        body = {"content": "Ho." if other else "Hi."}
        return start(user=self.user, chat_id=self.chat.pk, body=body, key="k")[0].pk

    @contextmanager
    def refused(self) -> Iterator[None]:
        set_tokens(self.user, Wallet.objects.get(pk=self.user.pk).held)
        yield
        set_tokens(self.user, 3)

    def made(self) -> Any:
        return Generation.objects.all()

    def finish(self) -> None:
        for generation in Generation.objects.running():
            finish_generation(
                generation_id=generation.pk,
                chat_id=self.chat.pk,
                outcome=Outcome(Generation.Status.COMPLETE, "Hello!"),
            )


class StartCheckout:
    url, body = "/api/payment/checkout", {"pack": "starter"}

    def __init__(self, user: User) -> None:
        self.user = user

    def ask(self, *, other: bool = False) -> UUID:
        pack, home = "premium" if other else "starter", "http://testserver/payment/"
        return start_checkout(user=self.user, pack=pack, return_url=home, key="k")[0].pk

    @contextmanager
    def refused(self) -> Iterator[None]:
        with patch.dict(PACKS, clear=True):
            yield

    def made(self) -> Any:
        return Purchase.objects.all()

    def finish(self) -> None:
        pass


OPERATIONS = (CreateChat, PostMessage, StartReply, StartCheckout)


@pytest.fixture(params=OPERATIONS, ids=lambda kind: kind.__name__)
def operation(request: pytest.FixtureRequest, db: None) -> Operation:
    return request.param(make_user("alice"))


def test_a_key_makes_one_thing(operation: Operation) -> None:
    assert operation.ask() == operation.ask() == operation.made().get().pk


def test_another_body_is_refused(operation: Operation) -> None:
    operation.ask()
    with pytest.raises(IdempotencyConflict):
        operation.ask(other=True)
    assert operation.made().count() == 1


def test_what_was_refused_may_be_allowed_under_the_same_key(operation: Operation) -> None:
    with operation.refused():
        with pytest.raises(DomainError):
            operation.ask()
        assert not operation.made().exists()
        assert not IdempotencyKey.objects.exists()
    assert operation.ask() == operation.made().get().pk


def test_a_replay_comes_before_every_refusal(operation: Operation) -> None:
    made = operation.ask()
    with operation.refused():
        assert operation.ask() == made


def test_what_was_deleted_since_is_not_found(operation: Operation) -> None:
    operation.ask()
    operation.finish()
    operation.made().delete()
    with pytest.raises(NotFound):
        operation.ask()
    assert not operation.made().exists()


def test_an_expired_key_makes_another(operation: Operation) -> None:
    first = operation.ask()
    operation.finish()
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    second = operation.ask(other=True)
    assert {first, second} == {row.pk for row in operation.made()}
    assert first != second


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", OPERATIONS)
def test_of_equal_requests_at_once_one_thing_comes(
    kind: type[CreateChat], assert_ledger: None
) -> None:
    operation = kind(make_user("alice"))
    barrier = Barrier(4)

    def ask(number: int) -> UUID:
        barrier.wait()
        try:
            return operation.ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(ask, range(4)))
    assert answers == {operation.made().get().pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_view_does_not_look_a_new_key_up(
    kind: type[CreateChat], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user("alice")
    operation, looks, find = kind(user), [], idempotency._find
    monkeypatch.setattr(idempotency, "_find", lambda record: looks.append(record) or find(record))
    client.force_login(user)
    answer = client.post(
        operation.url,
        operation.body,
        "application/json",
        headers={"Idempotency-Key": "k", "Prefer": "respond-async"},
    )
    assert answer.status_code in (201, 202), answer.content
    assert not looks


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", OPERATIONS)
@pytest.mark.parametrize("odd", [None, "", 7, ["x"], {"a": 1}], ids=repr)
def test_a_view_looks_the_key_up_before_the_body_is_checked(
    kind: type[CreateChat], client: Client, odd: Any
) -> None:
    user = make_user("alice")
    operation = kind(user)
    operation.ask()
    operation.finish()
    client.force_login(user)
    (name,) = operation.body

    def status(key: str) -> int:
        headers = {"Idempotency-Key": key}
        return client.post(
            operation.url, {name: odd}, "application/json", headers=headers
        ).status_code

    assert status("k") == 409
    assert status("another") in (404, 422)
    assert operation.made().count() == 1
