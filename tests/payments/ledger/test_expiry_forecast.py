"""What expires and what is owed, as people see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.translation import override

from intellispark.accounts.models import User
from payments.errors import InsufficientTokens
from payments.ledger import operations as ledger
from payments.ledger.expiry import expire_due_wallets
from payments.models import Wallet
from tests.support.time_travel import in_days, pass_time

pytestmark = pytest.mark.both_engines

PAGES = ["/payment/", "/payment/outlook/"]


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def give(user: User, tokens: int, days: float) -> None:
    ledger.grant(wallet_id=user.pk, tokens=tokens, key=f"g{days}", expires_at=in_days(days))


def html(client: Client, url: str) -> str:
    return client.get(url).content.decode()


@pytest.mark.parametrize("url", PAGES)
def test_nothing_expires_without_a_date(signed_in: Client, url: str) -> None:
    text = html(signed_in, url)
    assert "data-expiring-soon" not in text
    assert "Expiry dates" not in text


@pytest.mark.parametrize("url", PAGES)
def test_it_says_once_what_expires_when_and_warns_a_week_before(
    signed_in: Client, alice: User, url: str
) -> None:
    give(alice, 20, 8)
    give(alice, 5, 60)
    text = html(signed_in, url)
    assert "data-expiring-soon" not in text
    assert text.count(">20</span> valid until") == text.count(">5</span> valid until") == 1
    pass_time(timedelta(days=2))
    text = html(signed_in, url)
    assert 'data-expiring-soon="20"' in text
    assert text.count(">20</span> valid until") == text.count(">5</span> valid until") == 1
    assert text.count("any left on their date are lost") == 1
    assert "20 expire" not in text


def test_a_date_reads_as_a_sentence_in_chinese(signed_in: Client, alice: User) -> None:
    until = datetime(2099, 12, 31, tzinfo=UTC)
    ledger.grant(wallet_id=alice.pk, tokens=25, key="g", expires_at=until)
    signed_in.cookies["django_language"] = "zh-hans"
    with override("en"):  # and back to it: the page's language stays on after the request
        text = html(signed_in, PAGES[0])
    assert re.search(r">25</span> 个，有效期至 <time [^>]*>2099年12月30日</time>", text)


def test_held_and_spent_tokens_are_not_announced(signed_in: Client, alice: User) -> None:
    give(alice, 5, 1)
    ledger.spend(wallet_id=alice.pk, tokens=2, key="s")
    ledger.hold(wallet_id=alice.pk, tokens=1, key="h")
    assert 'data-expiring-soon="2"' in html(signed_in, PAGES[0])


def test_it_is_only_for_the_person(client: Client, db: None) -> None:
    assert "/accounts/login/" in client.get(PAGES[1])["Location"]


def test_the_history_names_an_expiry(signed_in: Client, alice: User) -> None:
    give(alice, 5, 1)
    pass_time(timedelta(days=2))
    expire_due_wallets()
    assert "Expired tokens" in html(signed_in, "/payment/history/")


@pytest.mark.django_db(transaction=True)  # the API reads in a thread of its own
def test_the_api_lists_what_expires(signed_in: Client, alice: User) -> None:
    give(alice, 5, 9)
    give(alice, 7, 1)
    found = signed_in.get("/api/payment/user/tokens").json()["expiring"]
    assert [one["tokens"] for one in found] == [7, 5]
    assert all(one["expires_at"].endswith("Z") for one in found)


@pytest.mark.parametrize("url", PAGES)
def test_a_debt_is_said_plainly(signed_in: Client, alice: User, url: str) -> None:
    assert "data-debt-notice" not in html(signed_in, url)
    ledger.spend(wallet_id=alice.pk, tokens=8, key="s")
    ledger.clawback(wallet_id=alice.pk, tokens=10, key="c", reference="refund")
    text = html(signed_in, url)
    assert "You owe 8 tokens." in text
    assert "Your next tokens will cover this first" in text
    assert "No tokens left. Choose a pack" not in text


def test_a_debt_stops_spending_until_a_credit_has_paid_it(alice: User) -> None:
    ledger.spend(wallet_id=alice.pk, tokens=8, key="s")
    entry = ledger.clawback(wallet_id=alice.pk, tokens=10, key="c", reference="refund")
    assert ledger.clawback(wallet_id=alice.pk, tokens=10, key="c", reference="refund") == entry
    for take in (ledger.spend, ledger.hold):
        with pytest.raises(InsufficientTokens):
            take(wallet_id=alice.pk, tokens=1, key="more")
    ledger.purchase(wallet_id=alice.pk, tokens=9, key="p", description="Pack", reference="p")
    ledger.spend(wallet_id=alice.pk, tokens=1, key="more")
    assert Wallet.objects.get(pk=alice.pk).balance == 0


@pytest.mark.django_db(transaction=True)  # the API reads in a thread of its own
def test_a_date_at_midnight_is_told_as_the_day_before(signed_in: Client, alice: User) -> None:
    midnight = datetime(2099, 12, 31, tzinfo=UTC)
    ledger.grant(wallet_id=alice.pk, tokens=5, key="g", expires_at=midnight)
    assert 'datetime="2099-12-30T23:59:59' in html(signed_in, PAGES[0])
    found = signed_in.get("/api/payment/user/tokens").json()["expiring"]
    assert found == [{"tokens": 5, "expires_at": "2099-12-31T00:00:00Z"}]
