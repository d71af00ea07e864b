"""A mail goes to the address that an account has, is counted for the mailbox that it reaches, and
says nothing that a stranger could have chosen for its reader."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from intellispark.accounts import emails
from intellispark.accounts.attempts import MAIL_TO
from intellispark.accounts.models import User
from tests.accounts.test_rate_limits import _counted  # noqa: F401  limits on, from nought
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
LIKE_MIKES = ["mi\u212aess@x.org", "mike\u017fs@x.org", " MIKESS@x.org", "mikess@\uff38.org"]


def reset(email: str, number: int = 1) -> Any:
    body = {"email": email}
    return Client().post("/accounts/password/reset/", body, REMOTE_ADDR=f"192.0.2.{number}")


@pytest.mark.parametrize("typed", LIKE_MIKES)
def test_mail_goes_only_to_the_address_that_the_account_has(typed: str, settings: Any) -> None:
    """Letters that a computer takes for another one are another mailbox."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_user("mike", email="mikess@x.org")
    reset(typed)
    login = {"login": typed, "password": PASSWORD}
    Client().post("/accounts/login/", login)  # which asks to confirm the address
    assert {address for sent in mail.outbox for address in sent.to} == {"mikess@x.org"}
    assert len(mail.outbox) == 2
    assert [row.email for row in EmailAddress.objects.all()] == ["mikess@x.org"]


def test_an_address_that_nobody_has_is_mailed_as_it_would_be_stored() -> None:
    reset("eve\u017f@\uff58.org")
    assert mail.outbox[-1].to == ["eves@x.org"]


def test_a_mailbox_has_one_window_however_it_is_written(alice: User) -> None:
    """In letters of every width, and with quotes that mean nothing."""
    domain = "example.com"
    wide = "".join(chr(ord(char) + 0xFEE0) if char.isalpha() else char for char in domain)
    spelled = [f"alice@{wide[:n]}{domain[n:]}" for n in range(len(domain))]
    spelled += ["alice@EXAMPLE.com", "alice@example\u3002com", "\uff41lice@example.com"]
    spelled += [f'"{"alice"[:n]}\\{"alice"[n:]}"@example.com' for n in range(5)]
    for number, typed in enumerate(spelled):
        reset(typed, number)
    assert len(mail.outbox) == MAIL_TO.limit.amount
    assert {address for sent in mail.outbox for address in sent.to} == {alice.email}


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_mail_to_an_unconfirmed_address_says_nothing_that_others_chose(confirmed: bool) -> None:
    name, browser = "free-gifts.evil.example", "http://evil.example/gifts"
    user = make_user(name, email="stranger@example.com")
    EmailAddress.objects.update(verified=confirmed)
    client = Client(headers={"User-Agent": browser})
    client.force_login(user)
    client.post("/accounts/email/", {"action_send": ""})
    reset(user.email)
    new = {"oldpassword": PASSWORD, "password1": "another-long-8", "password2": "another-long-8"}
    client.post("/accounts/password/change/", new)
    user.refresh_from_db()
    emails.replace(user=user, email="new@example.com")
    told = [str(sent.body) for sent in mail.outbox if sent.to == ["stranger@example.com"]]
    assert len(told) >= 2
    assert not any(re.search("evil", body) for body in told if not confirmed)
    assert not any(browser in body for body in told)
    assert confirmed == any(name in body for body in told)
