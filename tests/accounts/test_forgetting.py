"""What is left in accounts is forgotten when its time is over, in small steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from intellispark import db
from intellispark.accounts import emails, rate_limits, sessions, tokens
from intellispark.accounts.models import EmailChange, Session, TokenFamily, User
from intellispark.accounts.tokens import issue, rotate
from intellispark.db import delete_in_batches
from intellispark.housekeeping import run_pass
from tests.support.factories import make_character

pytestmark = pytest.mark.django_db


def later(**by: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**by))


def test_a_family_is_forgotten_when_its_last_token_has_ended_revoked_or_not(alice: User) -> None:
    first = issue(alice)
    with later(days=20):
        issue(alice)
        rotate(first["refresh"])
    with later(days=31):
        assert run_pass()["api_tokens_forgotten"] == 1, "the first token; both families go on"
    assert TokenFamily.objects.count() == 2
    with later(days=51):
        run_pass()
    assert not TokenFamily.objects.exists()
    assert not OutstandingToken.objects.exists()


def test_what_a_stranger_typed_is_kept_for_a_day(client: Client) -> None:
    path = f"/characters/{make_character().pk}/start/"
    client.post(path, {"message": "Hello."})
    session = Session.objects.get()
    assert session.user is None
    assert session.get_decoded()["pending_start"]["message"] == "Hello."
    assert client.cookies["sessionid"]["max-age"] == 24 * 3600
    assert run_pass()["sessions_forgotten"] == 0
    with later(hours=25):
        assert run_pass()["sessions_forgotten"] == 1


def test_strangers_sessions_are_bounded_and_the_oldest_go_first(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_STRANGERS", 3)
    path = f"/characters/{make_character().pk}/start/"
    signed_in = Client()
    signed_in.force_login(alice)
    strangers = []
    for number in range(7):
        with later(minutes=number):
            strangers.append(Client())
            strangers[-1].post(path, {"message": "x" * 10_000})
    assert run_pass()["sessions_forgotten"] == 4
    kept = {client.cookies["sessionid"].value for client in [*strangers[-3:], signed_in]}
    assert {session.pk for session in Session.objects.all()} == kept
    assert run_pass()["sessions_forgotten"] == 0


def test_one_address_of_strangers_leaves_little(
    settings: Any, monkeypatch: pytest.MonkeyPatch, client: Client, alice: User
) -> None:
    settings.RATE_LIMITS, settings.REDIS_URL = True, ""
    monkeypatch.setattr(rate_limits.START.limit, "amount", 3)
    path = f"/characters/{make_character().pk}/start/"
    answers = [Client().post(path, {"message": "Hello."}).status_code for _ in range(5)]
    assert answers == [302] * 3 + [429] * 2
    assert Session.objects.count() == 3
    client.force_login(alice)
    assert client.post(path, {"message": ""}).status_code == 302


def test_a_session_of_a_person_says_whose_it_is_and_lasts(client: Client, alice: User) -> None:
    client.force_login(alice)
    session = Session.objects.get()
    assert session.user == alice
    with later(days=13):
        assert sessions.purge() == 0
        assert client.get("/api/auth/me").status_code == 200
    with later(days=15):
        assert sessions.purge() == 1


def test_a_wish_is_forgotten_after_three_days_and_a_way_back_after_seven(
    alice: User, bob: User
) -> None:
    EmailChange.objects.create(user=alice, new_email="a2@example.com")
    EmailChange.objects.create(
        user=bob,
        new_email="b2@example.com",
        old_email="b@x.org",
        old_is_confirmed=True,
        confirmed_at=timezone.now(),
    )
    with later(days=4):
        assert emails.pending_address(alice) is None
        assert emails.is_taken("b@x.org")
        assert run_pass()["addresses_forgotten"] == 1
    with later(days=8):
        assert not emails.is_taken("b@x.org")
        assert run_pass()["addresses_forgotten"] == 1


def test_links_end_with_what_they_are_for(alice: User) -> None:
    from intellispark.accounts.email_links import confirmation_key, way_back_key

    confirm = confirmation_key(alice, alice.email)
    change = EmailChange.objects.create(
        user=alice, new_email="x@x.org", old_email="y@x.org", confirmed_at=timezone.now()
    )
    with later(days=4):
        assert Client().post(f"/accounts/confirm-email/{confirm}/").status_code == 404
    with later(days=8):
        assert Client().post(f"/accounts/email/restore/{way_back_key(change)}/").status_code == 404


def test_many_rows_go_in_batches_each_with_a_transaction_of_its_own(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BATCH_ROWS", 10)
    monkeypatch.setattr(db, "MOST_BATCHES", 3)
    ended = timezone.now() - timedelta(days=1)
    TokenFamily.objects.bulk_create(
        TokenFamily(user=alice, auth_hash="", expires_at=ended) for _ in range(45)
    )
    with CaptureQueriesContext(connection) as queries:
        assert tokens.purge() == 30
    assert sum("DELETE" in query["sql"] for query in queries) == 3
    assert tokens.purge() == 15
    assert delete_in_batches(TokenFamily.objects.all()) == 0
