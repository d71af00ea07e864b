"""The migrations of accounts on a database that is in use: nobody is signed out, nothing is lost
but wishes of the old kind, and every account has one address in both tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore as OldStore
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from intellispark.accounts.models import Session, TokenFamily, User
from intellispark.accounts.names import name_key
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("accounts", "0001_initial"), ("account", "0009_emailaddress_unique_primary_email")]


@pytest.fixture
def old_apps() -> Iterator[Any]:
    """The models of before, on the tables of before."""
    call_command("migrate", "accounts", "0001", verbosity=0)
    yield MigrationExecutor(connection).loader.project_state(BEFORE).apps
    call_command("migrate", verbosity=0)


def keep_old_sessions(**sessions: tuple[dict[str, Any], float]) -> None:
    kind = "timestamptz" if connection.vendor == "postgresql" else "datetime"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY,"
            f" session_data text NOT NULL, expire_date {kind} NOT NULL)"
        )
        for key, (data, days) in sessions.items():
            ends = timezone.now() + timedelta(days=days)
            cursor.execute(
                "INSERT INTO django_session VALUES (%s, %s, %s)",
                [key.ljust(32, "0"), OldStore().encode(data), ends],
            )


def signed_in(user: Any) -> dict[str, Any]:
    return {
        auth.SESSION_KEY: str(user.pk),
        auth.BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        auth.HASH_SESSION_KEY: User(password=user.password).get_session_auth_hash(),
        "language": "kept",
    }


def test_a_database_in_use_is_migrated(old_apps: Any) -> None:
    old_user, family = (old_apps.get_model("accounts", name) for name in ("User", "TokenFamily"))
    address = old_apps.get_model("account", "EmailAddress")

    def person(name: str, **fields: Any) -> Any:
        fields.setdefault("email", f"{name}@example.com")
        return old_user.objects.create(username=name, password=make_password("x"), **fields)

    alice = person("alice", email="Alice@Example.com")
    look_alike, carol = person("аlice", email="other@example.com"), person("carol")
    dora, gone = person("dora"), person("deleted-1", is_active=False)
    for owner, email, primary, verified in [
        (alice, "before@example.com", True, True),  # an admin changed it past allauth
        (dora, "dora@example.com", True, True),
        (dora, "wish@example.com", False, False),
    ]:
        address.objects.create(user=owner, email=email, primary=primary, verified=verified)
    standing, revoked = (
        family.objects.create(user=alice, revoked_at=ended) for ended in (None, timezone.now())
    )
    keep_old_sessions(
        mine=(signed_in(alice), 9), nobodys=({"pending_start": {}}, 9), ended=({"a": 1}, -1)
    )

    call_command("migrate", "accounts", verbosity=0)

    keys = dict(User.objects.values_list("pk", "name_key"))
    assert keys[alice.pk] == name_key("alice")
    assert keys[look_alike.pk].startswith(f"{name_key('alice')}#")
    assert len(set(keys.values())) == 5
    assert User.objects.get(pk=gone.pk).closed_at is not None
    rows = EmailAddress.objects.values_list("user", "email", "primary", "verified")
    assert set(rows) == {
        (alice.pk, "alice@example.com", True, False),
        (look_alike.pk, "other@example.com", True, False),
        (carol.pk, "carol@example.com", True, False),
        (dora.pk, "dora@example.com", True, True),
    }
    families = {each.pk: each for each in TokenFamily.objects.select_related("user")}
    assert families[standing.pk].user.has_issued(families[standing.pk].auth_hash)
    assert all(each.expires_at > timezone.now() for each in families.values())
    assert families[revoked.pk].revoked_at is not None
    sessions = {each.pk.rstrip("0"): each.user_id for each in Session.objects.all()}
    assert sessions == {"mine": alice.pk, "nobodys": None}
    client = Client()
    client.cookies["sessionid"] = "mine".ljust(32, "0")
    assert client.get("/api/auth/me").json()["username"] == "alice"
    assert "django_session" not in connection.introspection.table_names()


def test_looks_are_named_anew(alice: User) -> None:
    """By today's rule: two that it takes for alike keep their names, and one look may be the one
    that somebody else had by the rule of before."""
    tom, other, ben = make_user("Tom"), make_user("t1"), make_user("ben")
    User.objects.filter(pk=other.pk).update(username="Тom", name_key="something else")
    User.objects.filter(pk=tom.pk).update(name_key="t")
    User.objects.filter(pk=ben.pk).update(name_key=name_key("tom"))  # while tom's turn is first
    migration = import_module(
        "intellispark.accounts.migrations.0006_looks_in_capital_and_small_letters"
    )
    migration.name_the_looks_anew(apps, None)
    keys = dict(User.objects.values_list("username", "name_key"))
    assert (keys["Tom"], keys["ben"], keys["alice"]) == tuple(
        map(name_key, ("tom", "ben", "alice"))
    )
    assert keys["Тom"] == f"{name_key('tom')}#{other.pk.hex}"


def test_an_empty_database_is_migrated(old_apps: Any) -> None:
    call_command("migrate", "accounts", verbosity=0)
    assert not Session.objects.exists()
