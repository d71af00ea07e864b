"""After an account is closed nothing of the person is left, whoever raced with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from chat.conversations.chats import create_chat, rename_chat
from chat.conversations.messages import post_message
from chat.models import Character, Chat, Generation, Message
from chat.replies.start import start
from intellispark.accounts.closing import close_account
from intellispark.accounts.models import EmailChange, Session, TokenFamily, User
from intellispark.accounts.tokens import Pair, issue
from intellispark.api.errors import NotSignedIn
from intellispark.api.models import IdempotencyKey
from intellispark.housekeeping import run_pass
from payments.billing.checkout import start_checkout
from payments.models import Purchase
from tests.accounts.conftest import JSON, by, post
from tests.support.factories import PASSWORD, make_character, make_user
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assert_ledger")]

PERSONAL: list[type[models.Model]] = [
    Chat, EmailAddress, EmailChange, Generation, IdempotencyKey, OutstandingToken, Session,
    TokenFamily,
]  # fmt: skip
"""Everything that hangs on a person, but for their books: see `tests/test_tables.py`."""


def left_of(user: User) -> dict[str, Any]:
    found = {
        model._meta.label: model._default_manager.filter(user=user).count() for model in PERSONAL
    }
    found["messages"] = Message.objects.filter(chat__user=user).count()
    fresh = User.objects.get(pk=user.pk)
    found["row"] = sum(
        1
        for value in (fresh.username, fresh.email, fresh.language, str(fresh.last_login or ""))
        if "alice" in value or value in ("en", "zh-hans") or value.startswith("20")
    )
    return {name: count for name, count in found.items() if count}


WRITERS = [
    "profile", "language", "chat_begun", "chat_renamed", "said", "reply", "bought", "wished",
    "refreshed", "signed_in_by_api", "signed_in_by_page", "first_message",
]  # fmt: skip


class Writers:
    """What somebody's own pages and programs may be sending while they close their account."""

    def __init__(self, user: User) -> None:
        self.pair: Pair = issue(user)
        self.character = make_character()
        self.chat = create_chat(user=user, character_id=self.character.pk)
        self.clients: Iterator[Client] = iter([self._signed_in(user) for _ in range(8)])

    def _signed_in(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def _api(self, method: str, path: str, body: dict[str, Any]) -> int:
        call = getattr(Client(), method)
        headers = by(self.pair) | {"Idempotency-Key": f"key-{path}"}
        return int(call(path, body, content_type=JSON, headers=headers).status_code)

    def profile(self) -> int:
        return self._api("patch", "/api/auth/me", {"username": "alice2", "language": "en"})

    def language(self) -> int:
        return next(self.clients).post("/language/", {"language": "zh-hans"}).status_code

    def chat_begun(self) -> int:
        return self._api("post", "/api/chats", {"character_id": str(self.character.pk)})

    def chat_renamed(self) -> int:
        return self._api("patch", f"/api/chats/{self.chat.pk}", {"title": "alice and I"})

    def said(self) -> int:
        return self._api("post", f"/api/chats/{self.chat.pk}/messages", {"content": "It is alice."})

    def reply(self) -> int:
        return self._api("post", f"/api/chats/{self.chat.pk}/generate", {"content": "alice here."})

    def bought(self) -> int:
        return self._api("post", "/api/payment/checkout", {"pack": "starter"})

    def wished(self) -> int:
        body = {"email": "alice2@example.com", "current_password": PASSWORD}
        return self._api("patch", "/api/auth/me", body)

    def refreshed(self) -> int:
        return post(Client(), "/api/auth/refresh", {"refresh": self.pair["refresh"]}).status_code

    def signed_in_by_api(self) -> int:
        body = {"username": "alice", "password": PASSWORD}
        return post(Client(), "/api/auth/login", body).status_code

    def signed_in_by_page(self) -> int:
        body = {"login": "alice", "password": PASSWORD}
        return Client().post("/accounts/login/", body).status_code

    def first_message(self) -> int:
        path = f"/characters/{self.character.pk}/start/"
        return next(self.clients).post(path, {"message": "alice's secret"}).status_code


@pytest.mark.parametrize("round_", range(4))
def test_nothing_is_left_whoever_raced(round_: int) -> None:
    alice = make_user("alice")
    requests = Writers(alice)
    writers: list[Callable[[], Any]] = [getattr(requests, name) for name in WRITERS]
    first = round_ % len(writers)
    calls = [*writers[first:], *writers[:first]]
    calls.insert(len(calls) * round_ // 4, lambda: close_account(user=alice))
    found = at_once(len(calls), lambda number: calls[number]())
    assert [one for one in found if isinstance(one, Exception)] == []
    assert all(status < 500 or status == 503 for status in found), found
    assert left_of(alice) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_that_comes_too_late_leaves_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was let in, and then waited: the account is closed when it comes to write."""
    alice = make_user("alice")
    write = getattr(Writers(alice), name)
    _close_once_let_in(alice, monkeypatch)
    assert write() < 500
    assert not User.objects.get(pk=alice.pk).is_active
    assert left_of(alice) == {}


def _close_once_let_in(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Close the account at the first transaction that the request begins."""
    begun: list[str] = []
    atomic = transaction.Atomic.__enter__

    def close_first(self: transaction.Atomic) -> None:
        if not begun:
            begun.append("")
            close_account(user=user)
        atomic(self)

    monkeypatch.setattr(transaction.Atomic, "__enter__", close_first)


def say(user: User, chat: Chat) -> None:
    post_message(user=user, chat=chat, content="It is alice.", key="k")


def ask(user: User, chat: Chat) -> None:
    start(user=user, chat_id=chat.pk, body={"content": "alice here."}, key="k")


def begin_a_chat(user: User, chat: Chat) -> None:
    create_chat(user=user, character_id=chat.character_id, key="k")


def rename(user: User, chat: Chat) -> None:
    rename_chat(chat=chat, title="alice and I")


def buy(user: User, chat: Chat) -> None:
    start_checkout(user=user, pack="starter", key="k", return_url="http://testserver/payment/")


@pytest.mark.postgresql
@pytest.mark.parametrize("write", [say, ask, begin_a_chat, rename, buy])
def test_who_came_first_commits_while_closing_waits(write: Callable[[User, Chat], None]) -> None:
    """PostgreSQL looks at references to the person as late as the commit: a writer that asked for
    the person no earlier would hold what closing waits for, and wait for it in turn."""
    alice = make_user("alice")
    chat = create_chat(user=alice, character_id=make_character().pk)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            write(alice, chat)
            closing = pool.submit(_close_elsewhere, alice)
            _until_somebody_waits()
        assert closing.result() is True
    assert left_of(alice) == {}


def _close_elsewhere(user: User) -> bool:
    try:
        return close_account(user=user)
    finally:
        connection.close()


def _until_somebody_waits() -> None:
    """Until another connection waits for a lock that this one holds."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(waits)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits")


def test_two_who_close_one_account_close_it_once() -> None:
    alice = make_user("alice")
    found = at_once(4, lambda _: close_account(user=alice))
    assert sorted(found) == [False, False, False, True]


def test_the_admins_log_forgets_the_name() -> None:
    alice, root = make_user("alice"), make_user("root", is_superuser=True)
    for subject in (alice, alice.wallet):
        LogEntry.objects.create(
            user=root,
            content_type=ContentType.objects.get_for_model(subject),
            object_id=str(subject.pk),
            object_repr=str(subject),
            action_flag=CHANGE,
        )
    close_account(user=alice)
    assert not LogEntry.objects.filter(object_repr__contains="alice").exists()


def test_characters_that_others_need_stay_without_their_owner() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    secret = make_character("secret", owner=alice, is_public=False)
    shared = make_character("shared", owner=alice)
    once_shared = make_character("once shared", owner=alice)
    create_chat(user=bob, character_id=once_shared.pk)
    Character.objects.filter(pk=once_shared.pk).update(is_public=False)
    create_chat(user=alice, character_id=secret.pk)
    close_account(user=alice)
    assert not Character.objects.filter(pk=secret.pk).exists()
    kept = Character.objects.filter(pk__in=[shared.pk, once_shared.pk])
    assert list(kept.values_list("owner", flat=True)) == [None, None]
    assert Chat.objects.get().user == bob


def test_housekeeping_looks_again_for_a_while() -> None:
    """The net under the rule: for a writer that forgot to lock the person."""
    alice, bob = make_user("alice"), make_user("bob")
    close_account(user=alice)
    for user in (alice, bob):
        IdempotencyKey.objects.create(user=user, operation="x", key="k")
        TokenFamily.objects.create(
            user=user, auth_hash="x", expires_at=timezone.now() + timedelta(1)
        )
        Chat.objects.create(user=user, character=make_character(), given_title="alice")
    User.objects.filter(pk=alice.pk).update(username="alice", language="en")
    assert run_pass()["closed_accounts_erased_again"] == 1
    assert left_of(alice) == {}
    assert {*left_of(bob)} >= {"api.IdempotencyKey", "accounts.TokenFamily", "chat.Chat"}
    User.objects.filter(pk=alice.pk).update(closed_at=timezone.now() - timedelta(hours=1))
    assert run_pass()["closed_accounts_erased_again"] == 0


def test_a_purchase_is_not_begun_for_a_closed_account() -> None:
    alice = make_user("alice")
    stale = User.objects.get(pk=alice.pk)
    close_account(user=alice)
    with pytest.raises(NotSignedIn):
        start_checkout(user=stale, pack="starter", return_url="http://testserver/payment/")
    assert not Purchase.objects.exists()
