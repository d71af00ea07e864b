"""The page of one's e-mail address, and where the mails about it lead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils.translation import override

from intellispark.accounts.models import EmailChange, User
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)  # mails go out after the commit
PAGE = "/accounts/email/"


@pytest.fixture
def tab(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def confirmed(alice: User) -> None:
    EmailAddress.objects.filter(user=alice).update(verified=True)


def wish(client: Client, email: str, password: str = PASSWORD) -> Any:
    body = {"email": email, "current_password": password, "action_add": ""}
    return client.post(PAGE, body)


def link(number: int = -1) -> str:
    """The path that the mail leads to."""
    found = re.search(r"http://testserver(/accounts/\S+)", str(mail.outbox[number].body))
    assert found, mail.outbox[number].body
    return found[1]


def addresses(user: User) -> list[tuple[str, bool, bool]]:
    user.refresh_from_db()
    rows = EmailAddress.objects.filter(user=user).values_list("email", "primary", "verified")
    assert [email for email, *_ in rows] == [user.email]
    return list(rows)


def test_the_address_of_today_stays_until_the_new_one_is_confirmed(
    tab: Client, alice: User
) -> None:
    for email in ("new@example.com", "Newer@Example.com"):
        assert wish(tab, email).status_code == 302
    assert addresses(alice) == [("alice@example.com", True, False)]
    page = tab.get(PAGE).content.decode()
    assert "Your address: alice@example.com<" in page
    assert "We sent an e-mail to newer@example.com." in page
    assert "newer@example.com is not confirmed yet." in tab.get("/settings/").content.decode()


@pytest.mark.usefixtures("confirmed")
def test_a_confirmed_wish_is_the_address_and_the_old_one_is_told(tab: Client, alice: User) -> None:
    wish(tab, "new@example.com")
    assert mail.outbox[-1].to == ["new@example.com"]
    assert mail.outbox[-1].subject.startswith("IntelliSpark: ")
    assert "Hello from IntelliSpark!" in mail.outbox[-1].body
    path = link()
    stranger = Client()  # the mail may be read on another device
    assert "Is new@example.com the address of alice?" in stranger.get(path).content.decode()
    assert addresses(alice) == [("alice@example.com", True, True)], "a mere visit changes nothing"
    assert stranger.post(path).status_code == 302
    assert addresses(alice) == [("new@example.com", True, True)]
    assert mail.outbox[-1].to == ["alice@example.com"]
    assert "new@example.com" in mail.outbox[-1].body
    assert stranger.post(path).status_code == 404, "a link works once"


def test_the_address_of_a_sign_up_is_confirmed_by_its_mail(client: Client) -> None:
    new = {"username": "carol", "email": "carol@example.com", "password1": PASSWORD}
    client.post("/accounts/signup/", new)
    client.post(link())
    assert addresses(User.objects.get()) == [("carol@example.com", True, True)]


def test_a_wish_is_taken_back_and_its_link_is_dead(tab: Client, alice: User) -> None:
    wish(tab, "new@example.com")
    tab.post(PAGE, {"action_remove": ""})
    assert "This link no longer works" in tab.get(link()).content.decode()
    assert tab.post(link()).status_code == 404
    assert addresses(alice) == [("alice@example.com", True, False)]


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("new@example.com", "wrong", "Wrong password."),
        ("new@example.com", "", "This field is required."),
        ("bob@example.com", PASSWORD, "That e-mail already has an account."),
        ("alice@example.com", PASSWORD, "This is your address already."),
        ("nonsense", PASSWORD, "Enter a valid email address."),
        ("ı@example.com", PASSWORD, "Enter a valid email address."),
    ],
)
def test_what_is_refused_is_said_and_sends_nothing(
    tab: Client, alice: User, bob: User, email: str, password: str, sentence: str
) -> None:
    answer = wish(tab, email, password)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert mail.outbox == []
    assert not EmailChange.objects.exists()


def test_the_mail_is_sent_again(tab: Client) -> None:
    tab.post(PAGE, {"action_send": ""})
    assert mail.outbox[-1].to == ["alice@example.com"], "of the address of today, unconfirmed"
    wish(tab, "new@example.com")
    tab.post(PAGE, {"action_send": ""})
    assert [sent.to for sent in mail.outbox[-2:]] == [["new@example.com"]] * 2
    tab.post(link())
    tab.post(PAGE, {"action_send": ""})
    assert len(mail.outbox) == 4, "nothing is left to confirm"


def test_the_way_back_restores_the_address_and_lets_nobody_stay(tab: Client, alice: User) -> None:
    wish(tab, "new@example.com")
    tab.post(link())
    wish(tab, "newest@example.com")
    tab.post(link())
    told = [number for number, sent in enumerate(mail.outbox) if sent.to == ["alice@example.com"]]
    owner = Client()
    assert "alice@example.com again" in owner.get(link(told[0])).content.decode()
    assert addresses(alice)[0][0] == "newest@example.com", "a mere visit changes nothing"
    form = owner.post(link(told[0]), follow=True)
    assert addresses(alice) == [("alice@example.com", True, True)]
    assert tab.get("/settings/").status_code == 302, "whoever was signed in is out"
    assert not EmailChange.objects.exists(), "what was changed later is undone too"
    new = {"password1": "another-long-password-8", "password2": "another-long-password-8"}
    owner.post(form.redirect_chain[-1][0], new)
    login = {"login": "alice", "password": "another-long-password-8"}
    assert owner.post("/accounts/login/", login)["Location"] == "/"
    assert owner.post(link(told[0])).status_code == 404, "a link works once"


@pytest.mark.usefixtures("confirmed")
def test_an_address_that_may_be_taken_back_is_nobody_elses(tab: Client, alice: User) -> None:
    wish(tab, "new@example.com")
    tab.post(link())
    new = {"username": "mallory", "email": "alice@example.com", "password1": PASSWORD}
    answer = Client().post("/accounts/signup/", new)
    assert "That e-mail already has an account." in answer.content.decode()
    wish(tab, "alice@example.com")
    tab.post(link())
    assert addresses(alice) == [("alice@example.com", True, True)], "but its owner's, any time"


def test_an_old_address_that_was_never_confirmed_is_kept_from_nobody(
    tab: Client, alice: User
) -> None:
    """It may be a stranger's, who comes later. Until then it has its way back."""
    wish(tab, "new@example.com")
    tab.post(link())
    [back] = [n for n, sent in enumerate(mail.outbox) if sent.to == ["alice@example.com"]]
    assert "alice@example.com again" in Client().get(link(back)).content.decode()
    new = {"username": "stranger", "email": "alice@example.com", "password1": PASSWORD}
    assert Client().post("/accounts/signup/", new).status_code == 302
    assert Client().post(link(back)).status_code == 409
    assert addresses(alice) == [("new@example.com", True, True)]
    assert User.objects.get(email="alice@example.com").username == "stranger"


def test_a_sign_up_drops_what_others_wish_for_its_address(tab: Client, alice: User) -> None:
    wish(tab, "new@example.com")
    path = link()
    make_user("newcomer", email="new@example.com")
    assert tab.post(path).status_code == 404
    assert addresses(alice)[0][0] == "alice@example.com"


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("en", "Confirm your e-mail address", "the e-mail address of your account:"),
        ("zh-hans", "确认你的邮箱", "确认这是你账号的邮箱："),
    ],
)
def test_a_confirmation_speaks_the_language_of_the_account(
    tab: Client, language: str, subject: str, sentence: str
) -> None:
    tab.cookies["django_language"] = language
    with override("en"):  # and back to it: the page's language stays on after the request
        wish(tab, "new@example.com")
    sent = mail.outbox[-1]
    assert sent.subject == f"IntelliSpark: {subject}"
    assert sentence in sent.body
    assert re.search(
        r"^http://testserver/accounts/confirm-email/\S+$", str(sent.body), re.MULTILINE
    )


def test_a_forgotten_password_is_asked_for_by_address(alice: User) -> None:
    for name, subject in (("alice", "Choose a new password"), ("eve", "No account with this")):
        Client().post("/accounts/password/reset/", {"email": f"{name}@example.com"})
        assert subject in mail.outbox[-1].subject
        assert mail.outbox[-1].to == [f"{name}@example.com"]
        assert "&" not in str(mail.outbox[-1].body)
