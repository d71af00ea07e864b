"""Nobody acts on an account whose rights are not a subset of their own, in whatever admin; and no
list tells by its address what it does not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.conversations.chats import create_chat, rename_chat
from chat.models import Chat, Generation
from intellispark.accounts import emails
from intellispark.accounts.closing import close_account
from intellispark.accounts.models import EmailChange, User
from intellispark.accounts.rights import may_act_on
from intellispark.admin_site import ListedLookups
from payments.models import LedgerEntry, Purchase, Wallet
from tests.support.factories import PASSWORD, make_character, make_user

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/user/"
NEW = "another-long-password-8"


def staff(name: str, *permissions: str) -> User:
    """Staff with all rights over these models, by `app.model`."""
    user = make_user(name, is_staff=True)
    for each in permissions:
        app, model = each.split(".")
        user.user_permissions.add(
            *Permission.objects.filter(content_type__app_label=app, content_type__model=model)
        )
    return user


@pytest.fixture
def clerk(client: Client) -> User:
    """Staff with every right over people, wallets and groups, and no superuser."""
    user = staff("clerk", "accounts.user", "payments.wallet", "auth.group", "chat.chat")
    client.force_login(user)
    return user


@pytest.fixture
def root(client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def with_more_rights() -> User:
    user = make_user("special")
    user.user_permissions.add(Permission.objects.get(codename="change_ledgerentry"))
    return user


def in_a_group_with_more_rights() -> User:
    user, group = make_user("member"), Group.objects.create(name="auditors")
    group.permissions.add(Permission.objects.get(codename="view_purchase"))
    user.groups.add(group)
    return user


ABOVE: dict[str, Callable[[], User]] = {
    "a colleague": lambda: staff("colleague"),
    "a superuser": lambda: make_user("boss", is_superuser=True),
    "more rights": with_more_rights,
    "a group": in_a_group_with_more_rights,
    "oneself": lambda: User.objects.get(username="clerk"),
}


def change(client: Client, user: User, **changes: str) -> Any:
    body = {"username": user.username, "email": user.email, "language": ""} | changes
    return client.post(f"{PEOPLE}{user.pk}/change/", body)


def set_password(client: Client, user: User) -> Any:
    body = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    return client.post(f"{PEOPLE}{user.pk}/password/", body)


def act(client: Client, action: str, user: User) -> Any:
    body = {"action": action, "_selected_action": [str(user.pk)], "confirmed": "1"}
    return client.post(PEOPLE, body)


def adjust(client: Client, user: User) -> Any:
    body = {"tokens": "5", "reason": "why", "form_key": "6d0c3f0e-0b5c-4f6e-9f0c-2d7a4f8b1c11"}
    return client.post(f"/admin/payments/wallet/{user.pk}/adjust/", body)


@pytest.mark.parametrize("who", ABOVE)
def test_nobody_acts_on_an_account_with_more_rights_than_their_own(
    client: Client, clerk: User, who: str
) -> None:
    victim = ABOVE[who]()
    wallet = client.get(f"/admin/payments/wallet/{victim.pk}/change/").content.decode()
    assert "adjust/" not in wallet
    before = User.objects.filter(pk=victim.pk).values().get()
    balance = Wallet.objects.get(pk=victim.pk).balance
    assert change(client, victim, username="x", email="thief@example.com").status_code == 403
    assert set_password(client, victim).status_code in (302, 403)
    for action in ("suspend_selected", "lift_selected", "close_selected"):
        act(client, action, victim)
    assert adjust(client, victim).status_code == 403
    write_off = client.post(f"/admin/payments/wallet/{victim.pk}/write_off/", {})
    assert write_off.status_code == 403
    assert User.objects.filter(pk=victim.pk).values().get() == before
    assert Wallet.objects.get(pk=victim.pk).balance == balance


def test_on_ordinary_people_staff_acts_as_permitted(
    client: Client, clerk: User, alice: User
) -> None:
    assert change(client, alice, username="alicia").status_code == 302
    assert set_password(client, alice).status_code == 302
    assert adjust(client, alice).status_code == 302
    act(client, "suspend_selected", alice)
    alice.refresh_from_db()
    assert (alice.username, alice.is_suspended) == ("alicia", True)
    assert alice.check_password(NEW)


def test_staff_raises_nobody_and_not_by_a_group(client: Client, clerk: User, alice: User) -> None:
    change(client, alice, is_staff="on", is_superuser="on", is_active="")
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, alice.is_active) == (False, False, True)
    group = Group.objects.create(name="clerks")
    clerk.groups.add(group)
    every = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    body = {"name": "clerks", "permissions": every}
    assert client.post(f"/admin/auth/group/{group.pk}/change/", body).status_code == 403
    assert client.post("/admin/auth/group/add/", body | {"name": "new"}).status_code == 403
    assert group.permissions.count() == 0


def test_superusers_act_on_staff_and_give_rights(client: Client, root: User) -> None:
    colleague = staff("colleague")
    assert set_password(client, colleague).status_code == 302
    assert change(client, colleague, is_staff="on", is_superuser="on").status_code == 302
    colleague.refresh_from_db()
    assert colleague.is_superuser
    assert adjust(client, root).status_code == 302, "their own tokens too: the ledger says who"
    assert client.get("/admin/auth/group/add/").status_code == 200


def test_ones_own_password_is_changed_where_the_old_one_is_asked_for(
    client: Client, root: User
) -> None:
    django_form = client.post("/admin/password_change/", {"new_password1": NEW})
    for answer in (set_password(client, root), django_form):
        assert answer["Location"] == "/accounts/password/change/"
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


def test_ones_own_address_is_changed_where_the_password_is_asked_for(
    client: Client, root: User
) -> None:
    change(client, root, email="thief@example.com", is_superuser="on", is_staff="on")
    root.refresh_from_db()
    assert root.email == "root@example.com"


@pytest.mark.django_db(transaction=True)
def test_an_admins_change_of_an_address_goes_through_the_one_writer() -> None:
    """The old one no longer signs in, is told, and has a way back; the new one is unconfirmed."""
    root, alice = make_user("root", is_staff=True, is_superuser=True), make_user("alice")
    EmailAddress.objects.update(verified=True)
    client = Client()
    client.force_login(root)
    assert change(client, alice, email="New@Example.com").status_code == 302
    alice.refresh_from_db()
    assert alice.email == "new@example.com"
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified")) == [
        ("new@example.com", False)
    ]
    old = {"login": "alice@example.com", "password": PASSWORD}
    assert Client().post("/accounts/login/", old).status_code == 200
    new = {"login": "new@example.com", "password": PASSWORD}
    assert Client().post("/accounts/login/", new).status_code == 302
    assert {to for sent in mail.outbox for to in sent.to} == {"alice@example.com", alice.email}
    assert EmailChange.objects.get().old_email == "alice@example.com"


def test_an_admin_gives_nobody_a_taken_address_or_a_look_alike_name(
    client: Client, root: User, alice: User, bob: User
) -> None:
    for changes in ({"email": "bob@example.com"}, {"username": "b0b"}, {"username": "admin"}):
        answer = change(client, alice, **changes)
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == list(changes)
    assert emails.is_taken("bob@example.com", except_user=alice)


def test_the_person_is_told_of_an_admins_new_password(
    client: Client, root: User, alice: User
) -> None:
    set_password(client, alice)
    assert [sent.to for sent in mail.outbox] == [["alice@example.com"]]


def test_a_closed_account_is_not_edited(client: Client, root: User, alice: User) -> None:
    close_account(user=alice)
    assert change(client, alice, username="back", is_active="on").status_code == 403
    assert set_password(client, alice).status_code == 403


def test_those_who_are_out_have_no_rights(alice: User) -> None:
    root = make_user("root", is_superuser=True)
    assert may_act_on(root, alice)
    root.is_active = False
    assert not may_act_on(root, alice)
    assert not may_act_on(None, alice)


# --- What lists tell ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/admin/chat/chat/?title__startswith=S",
        "/admin/chat/chat/?title=Secret",
        "/admin/chat/chat/?messages__content__startswith=S",
        "/admin/chat/chat/?user__password__startswith=p",
        "/admin/chat/generation/?error_detail__contains=x",
        "/admin/chat/generation/?prompt_message__content__contains=x",
        "/admin/chat/character/?texts__prompt__contains=x",
        "/admin/accounts/user/?password__startswith=p",
        "/admin/accounts/user/?name_key__startswith=p",
        "/admin/accounts/user/?chats__title__startswith=S",
        "/admin/payments/ledgerentry/?wallet__user__password__startswith=p",
        "/admin/payments/purchase/?user__email__startswith=a",
    ],
)
def test_no_list_is_searched_by_what_it_does_not_show(
    client: Client, root: User, alice: User, address: str
) -> None:
    create_chat(user=alice, character_id=make_character("Secret").pk)
    assert client.get(address).status_code == 400


def test_an_address_that_a_list_does_not_show_is_not_spelled_by_its_search(
    client: Client, alice: User
) -> None:
    """Whole, and only for those who may view people; in every admin that leads to people."""
    chat = create_chat(user=alice, character_id=make_character().pk)
    Generation.objects.create(
        chat=chat,
        user=alice,
        prompt_message=chat.messages.get(),
        price_tokens=1,
        lease_expires_at=timezone.now(),
        status="complete",
    )
    Purchase.objects.create(user=alice, pack="small", tokens=1, price_cents=1, gateway="sandbox")
    seen = {}
    for model, model_admin in admin.site._registry.items():
        if not model_admin.search_fields or model in (Wallet, User):  # they show the address
            continue
        viewer = make_user(f"v-{model._meta.model_name}", is_staff=True)
        of_the_list = Permission.objects.filter(codename=f"view_{model._meta.model_name}")
        viewer.user_permissions.set(of_the_list)
        client.force_login(viewer)
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

        def found(text: str, path: str = path) -> int:
            answer = client.get(path, {"q": text})
            assert answer.status_code == 200
            return int(answer.context["cl"].result_count)

        assert [found(alice.email[:-2]), found(alice.email)] == [0, 0], model
        viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
        assert found(alice.email[:-2]) == 0, model
        seen[model] = found(alice.email)
    assert {model for model, count in seen.items() if count} == {
        Chat,
        Generation,
        LedgerEntry,
        Purchase,
    }


def test_the_admin_shows_nothing_that_people_wrote(client: Client, alice: User) -> None:
    """In no title, breadcrumb, list, history or confirmation, to staff who may view that model."""
    mine = make_character("Private Secret", owner=alice, is_public=False)
    chat = create_chat(user=alice, character_id=mine.pk)
    rename_chat(chat=chat, title="Secret plan")
    viewer = staff("viewer", "chat.chat", "chat.generation")
    client.force_login(viewer)
    for path in ("", f"{chat.pk}/change/", f"{chat.pk}/history/", f"{chat.pk}/delete/"):
        page = client.get(f"/admin/chat/chat/{path}")
        assert page.status_code == (403 if "delete" in path else 200)
        assert "Secret" not in page.content.decode(), path
    public = make_character("Everybody's")
    Chat.objects.filter(pk=chat.pk).update(character=public)
    assert "Everybody&#x27;s" in client.get("/admin/chat/chat/").content.decode()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    assert "Secret" not in client.get(f"/admin/chat/character/{public.pk}/delete/").content.decode()
    assert "Secret" not in str(chat)


def test_an_export_needs_the_right_to_view_entries(client: Client, alice: User) -> None:
    viewer = make_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_wallet"))
    client.force_login(viewer)
    export = f"/admin/payments/wallet/{alice.pk}/export/"
    past = client.get(f"/admin/payments/wallet/{alice.pk}/past/")
    assert past.status_code == 200
    assert export not in past.content.decode()
    assert client.get(f"{export}?from_version=1&form=csv").status_code == 403
    viewer.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    assert export in client.get(f"/admin/payments/wallet/{alice.pk}/past/").content.decode()
    assert client.get(f"{export}?from_version=1&form=csv").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/admin/chat/chat/?language__exact=en",
        "/admin/accounts/user/?suspended=no&is_staff__exact=0",
        "/admin/accounts/user/?date_joined__gte=2020-01-01+00%3A00%3A00%2B00%3A00",
        "/admin/payments/ledgerentry/?kind__exact=grant",
        "/admin/auth/group/?q=x",
    ],
)
def test_the_filters_of_a_list_work(client: Client, root: User, address: str) -> None:
    assert client.get(address).status_code == 200


def test_a_wallets_entries_are_found(client: Client, root: User) -> None:
    assert client.get(f"/admin/payments/ledgerentry/?wallet={root.pk}").status_code == 200


def test_every_admin_keeps_the_rule_about_look_ups() -> None:
    assert all(isinstance(each, ListedLookups) for each in admin.site._registry.values())
