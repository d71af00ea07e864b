"""The admin's door, and people in it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/user/"


@pytest.fixture
def root(client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def clerk(client: Client) -> User:
    """Staff with rights over people, and no superuser."""
    user = make_user("clerk", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="accounts", codename__contains="user")
    )
    client.force_login(user)
    return user


def act(client: Client, action: str, *people: User, confirmed: bool = True) -> Any:
    body: dict[str, Any] = {"action": action, "_selected_action": [str(p.pk) for p in people]}
    return client.post(PEOPLE, body | ({"confirmed": "1"} if confirmed else {}), follow=True)


def test_the_door_is_the_sites_own_sign_in_page(client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
    make_user("root", is_staff=True, is_superuser=True)
    body = {"login": "root", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/accounts/login/", body, follow=True).redirect_chain == [("/admin/", 302)]


def test_those_without_a_right_are_refused_and_not_sent_round(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert client.get("/admin/", follow=True).status_code == 403


def test_suspended_staff_are_out(client: Client, root: User) -> None:
    assert client.get("/admin/").status_code == 200
    suspend(user=root)
    assert client.get("/admin/").status_code == 403


@pytest.mark.both_engines
def test_people_are_found(client: Client, root: User, alice: User, bob: User) -> None:
    suspend(user=bob)
    for query in ("ali", "alice@example", str(alice.pk)):
        page = client.get(PEOPLE, {"q": query}).content.decode()
        assert "alice@example.com" in page
        assert "bob@example.com" not in page
    page = client.get(PEOPLE, {"suspended": "yes"}).content.decode()
    assert "bob@example.com" in page
    assert "alice@example.com" not in page
    assert client.get(f"{PEOPLE}{alice.pk}/change/").status_code == 200


def test_suspending_asks_first_and_is_logged(client: Client, root: User, alice: User) -> None:
    asked = act(client, "suspend_selected", alice, confirmed=False)
    assert "alice@example.com" in asked.content.decode()
    alice.refresh_from_db()
    assert not alice.is_suspended
    act(client, "suspend_selected", alice)
    alice.refresh_from_db()
    assert alice.is_suspended
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (root, str(alice.pk))
    act(client, "suspend_selected", alice)
    assert LogEntry.objects.count() == 1
    act(client, "lift_selected", alice)
    alice.refresh_from_db()
    assert not alice.is_suspended
    assert LogEntry.objects.count() == 2


def test_an_account_is_closed_and_never_deleted(client: Client, root: User, alice: User) -> None:
    assert client.post(f"{PEOPLE}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, "delete_selected", alice)
    assert User.objects.filter(pk=alice.pk, username="alice").exists()
    act(client, "close_selected", alice)
    alice.refresh_from_db()
    assert (alice.is_active, alice.username.startswith("deleted-")) == (False, True)


def test_nobody_shuts_themselves_or_their_superiors_out(
    client: Client, clerk: User, alice: User
) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    for victim in (clerk, boss):
        act(client, "suspend_selected", victim, alice)
    assert not User.objects.filter(suspended_at__isnull=False).exists()
    act(client, "suspend_selected", alice)
    assert User.objects.get(suspended_at__isnull=False) == alice


def test_a_person_is_added_with_an_address(client: Client, root: User) -> None:
    body = {
        "username": "dora",
        "email": "dora@example.com",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    response = client.post(f"{PEOPLE}add/", body)
    assert response.status_code == 302, response.context["adminform"].form.errors
    dora = User.objects.get(username="dora")
    assert dora.wallet.balance == 10
    assert dora.date_joined <= timezone.now()


def test_signing_out_of_the_admin_signs_out_of_the_site(client: Client, root: User) -> None:
    assert client.post("/admin/logout/")["Location"] == "/"
    assert client.get("/api/auth/me").status_code == 401
