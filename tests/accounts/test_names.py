"""A name is written in one way, and passes for no other one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.chats import create_chat
from intellispark.accounts.closing import close_account
from intellispark.accounts.email_addresses import NotAnAddress, clean_address
from intellispark.accounts.models import User
from intellispark.accounts.names import clean_name, name_key, name_keys, normalized
from intellispark.accounts.tokens import issue
from tests.accounts.conftest import JSON, by, post
from tests.support.factories import PASSWORD, make_character, make_user

pytestmark = pytest.mark.django_db

LIKE_ALICE = ["ALICE", "аlice", "alicе", "AIice", "a1ice", "Ａlice", "ⅼalice"[1:], "аⅼісе", "𝐚lice"]
LIKE_ADMIN = ["Admin", "аdmin", "adrnin", "ΑdmIn", "adm1n", "ａｄｍｉｎ", "SUPP0RT", "іntellispark"]
LIKE_ADMIN += ["ADМIN", "SUPPORТ", "INТELLISPARK", "МODERATOR", "ɑdmiΝ", "ɑdМin"]  # in their case
PAIRS = [
    ("BEN", "ВEN"), ("ben", "ВEN"), ("ВEN", "ben"), ("Tom", "Тom"), ("MIKE", "МIKE"),
    ("KATE", "ΚATE"), ("HAN", "НAN"), ("NED", "ΝED"), ("Zoe", "Ζoe"), ("adam", "ɑdam"),
    ("ɑdam", "adam"), ("nova", "Νova"), ("Νova", "NOVA"), ("нина", "НИНА"), ("van", "νan"),
    ("NAN", "νan"),
]  # fmt: skip


@pytest.mark.parametrize("name", LIKE_ALICE)
def test_a_name_that_looks_like_another_one_is_refused(name: str, alice: User, api: Client) -> None:
    body = {"username": name, "email": "m@example.com", "password": PASSWORD}
    answer = post(api, "/api/auth/register", body)
    assert answer.status_code == 422, name
    assert list(answer.json()["error"]["fields"]) == ["username"]
    bob = make_user("bob")
    with pytest.raises(ValidationError):
        clean_name(name, owner=bob)
    assert clean_name(normalized(name), owner=alice) == normalized(name), "but alice may have it"


@pytest.mark.parametrize("name", LIKE_ADMIN)
def test_a_name_that_looks_like_the_sites_own_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_name(name)
    assert refusal.value.code == "username_blacklisted"


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_name_looks_like_another_one_in_capital_or_small_letters_too(
    first: str, second: str
) -> None:
    make_user(first)
    with pytest.raises(ValidationError):
        clean_name(second)


@pytest.mark.parametrize(
    "name", ["deleted-1", "DELETED-1", "dеleted-1", "DEⅬETED-1", "ＤＥLETED-1"]
)
def test_no_name_looks_like_that_of_a_closed_account(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_name(name)
    assert refusal.value.code == "username_blacklisted"


@pytest.mark.parametrize(
    "name", ["admin\u3164", "\u3164admin", "ad\u1160min", "bo\u115fbby", "a\uffa0b", "a\U00013441b"]
)
def test_a_name_has_no_letters_that_show_nothing(name: str) -> None:
    with pytest.raises(ValidationError):
        clean_name(name)
    assert name_key(name) == name_key(re.sub("[\u115f\u1160\u3164\uffa0\U00013441]", "", name)), (
        "of before"
    )


@pytest.mark.parametrize(
    "name", ["ㅤ", "\u1160\u1160", "a\u202eb", "a\u200bb", "a b", "a\nb", "", "deleted-1", "x" * 151]
)
def test_a_name_can_be_read(name: str) -> None:
    with pytest.raises(ValidationError):
        clean_name(name)


@pytest.mark.parametrize("name", ["小明", "Łukasz", "мария", "山田_2", "ali.ce-2", "Zoë", "محمد"])
def test_names_of_all_scripts_are_welcome(name: str, alice: User) -> None:
    assert clean_name(name) == normalized(name)


def test_full_width_letters_are_the_same_name_to_sign_in(client: Client) -> None:
    new = {"username": "Ｃａｒｏｌ", "email": "carol@example.com", "password1": PASSWORD}
    client.post("/accounts/signup/", new)
    assert User.objects.get().username == "Carol"
    client.post("/accounts/logout/")
    login = client.post("/accounts/login/", {"login": "ｃａｒｏｌ", "password": PASSWORD})
    assert login.status_code == 302


def test_the_database_keeps_looks_apart_too(alice: User) -> None:
    """Two who sign up at once, by whatever way: the second is refused."""
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(username="аlice", email="a@example.org")])
    bob = make_user("bob")
    bob.username = "a1ice"
    with pytest.raises(IntegrityError), transaction.atomic():
        bob.save()


def test_a_closed_account_gives_its_look_back(alice: User) -> None:
    close_account(user=alice)
    assert clean_name("a1ice") == "a1ice"


def test_who_has_a_name_of_before_the_rule_keeps_it(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(username="support")
    client.force_login(User.objects.get())
    body = {"username": "support", "language": "zh-hans"}
    assert client.post("/settings/", body).status_code == 302
    assert User.objects.get().language == "zh-hans"


@pytest.mark.parametrize("letter", ["m", "한", "ΐ", "ﬃ", "ǆ"])
def test_the_longest_names_have_keys_that_fit(letter: str, alice: User) -> None:
    alice.username = letter * 150
    alice.save()
    assert len(User.objects.get().name_key) <= 600


@given(st.text(max_size=40))
def test_the_key_of_a_name_does_not_depend_on_its_form(name: str) -> None:
    assert name_key(normalized(name)) == name_key(name)
    assert name_key(name) in name_keys(name)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("aliceſ@example.com", "alices@example.com"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@ｅxample.com", "alice@example.com"),
        ("alice@example。com", "alice@example.com"),
        ("a@ß.org", "a@xn--zca.org"),  # IDNA 2003 made it ss.org, which is somebody else's
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_written_in_one_way(typed: str, stored: str) -> None:
    assert clean_address(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "аlice@example.com",
        "ı@example.com",
        "@example.com",
        "a@..",
        f"a@{'ü' * 40}.{'ü' * 40}." * 3,
        '"alice"@example.com',
        '"al\\ice"@example.com',
        "a@[127.0.0.1]",
        "a@127.0.0.10",
        "a@localhost",
        "a@example.com.",
        "a b@example.com",
        "a@xn--é.org",
        "a@⒈com",
        "a@b@example.com",
        "a@example",
        "a@unconfirmed.invalid",
        "",
    ],
)
def test_an_address_that_could_be_mistaken_is_none(typed: str) -> None:
    with pytest.raises(NotAnAddress):
        clean_address(typed)


@pytest.mark.parametrize(
    ("title", "stored"),
    [
        ("  Tea\twith\nMira ", "Tea with Mira"),
        ("abc\u202egpj.exe", "abcgpj.exe"),
        ("\u2066left\u2069\u200f", "left"),
        ("a\x07b\x1b[31mc", "ab[31mc"),
        ("Family 👨‍👩‍👧 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "Family 👨‍👩‍👧 🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_a_title_reads_as_it_is_stored(api: Client, alice: User, title: str, stored: str) -> None:
    assert _renamed(api, alice, title).json()["title"] == stored


@pytest.mark.parametrize("title", ["\u200b", "\u202e\u202c", "ㅤ", "⠀", "\x00", " \u2060 ", "\u0301"])
def test_a_title_has_something_to_be_seen(api: Client, alice: User, title: str) -> None:
    answer = _renamed(api, alice, title)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == ["title"]


def _renamed(api: Client, alice: User, title: str) -> Any:
    chat = create_chat(user=alice, character_id=make_character().pk)
    headers = by(issue(alice))
    body = {"title": title}
    return api.patch(f"/api/chats/{chat.pk}", body, content_type=JSON, headers=headers)
