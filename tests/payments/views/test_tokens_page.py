"""The tokens page: what it shows, and the way to a gateway and back."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.translation import override

from intellispark.accounts.models import User
from payments.billing.checkout import start_checkout
from payments.billing.fulfilment import fulfill
from payments.ledger import operations as ledger
from payments.ledger.descriptions import describe
from payments.ledger.history import Row, read
from payments.models import LedgerEntry, Purchase
from tests.support.factories import make_user

PAGE = "/payment/"


def html(client: Client, url: str = PAGE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def changes(text: str) -> list[str]:
    """The column of tokens, top to bottom."""
    return re.findall(r'entry__change number" role="cell">([^<]*)<', text)


def buy(client: Client, pack: str = "starter", **fields: Any) -> Any:
    return client.post("/payment/checkout/", {"pack": pack, "key": uuid4(), **fields})


def begin(user: User) -> Purchase:
    return start_checkout(user=user, pack="starter", return_url="http://testserver/payment/")[0]


def test_it_shows_the_balance_the_packs_and_the_history(client: Client, alice: User) -> None:
    client.force_login(alice)
    text = html(client)
    assert 'data-variant="page"' in text
    assert [price in text for price in ("$2.99", "$9.99", "$24.99")] == [True] * 3
    assert "Welcome tokens" in text
    assert changes(text) == ["+10"]


@pytest.mark.parametrize(
    ("tokens", "level"), [(0, "very-low"), (3, "very-low"), (4, "low"), (8, "low"), (9, "ok")]
)
def test_every_balance_says_from_where_on_it_is_low(
    client: Client, db: None, settings: Any, tokens: int, level: str
) -> None:
    settings.BALANCE_LOW_AT, settings.BALANCE_VERY_LOW_AT = 8, 3
    client.force_login(make_user(tokens=tokens))
    text = html(client)
    said = f'data-low-at="8" data-very-low-at="3" data-level="{level}"'
    assert text.count(said) == text.count("<token-balance") > 1


def test_it_needs_somebody(client: Client, db: None) -> None:
    for url in (PAGE, "/payment/history/", "/payment/checkout/"):
        assert "/accounts/login/" in client.get(url)["Location"]


def test_it_is_never_kept_by_the_browser(client: Client, alice: User) -> None:
    """Neither for the next to sign in, nor for the back button, whose form keys are spent."""
    client.force_login(alice)
    for url in (PAGE, "/payment/history/"):
        assert "no-store" in client.get(url)["Cache-Control"]


def test_at_zero_it_says_what_to_do(client: Client, db: None) -> None:
    client.force_login(make_user(tokens=0))
    text = html(client)
    assert "No tokens left. Choose a pack" in text
    assert "$2.99" in text


def test_an_account_without_entries_gets_an_empty_history(
    client: Client, db: None, settings: Any
) -> None:
    settings.WELCOME_TOKENS = 0
    client.force_login(make_user())
    assert "Nothing here yet" in html(client)


def test_a_double_click_makes_one_purchase(client: Client, alice: User) -> None:
    client.force_login(alice)
    keys = re.findall(r'name="key" value="([^"]+)"', html(client))
    assert len(set(keys)) == 3
    first, second = (buy(client, key=keys[0]) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Purchase.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x", "k" * 500])
def test_a_form_without_a_proper_key_still_works(client: Client, alice: User, key: str) -> None:
    client.force_login(alice)
    assert buy(client, key=key).status_code == 302


def test_the_form_chooses_neither_tokens_nor_price(client: Client, alice: User) -> None:
    client.force_login(alice)
    buy(client, tokens=9_999, price_cents=1)
    purchase = Purchase.objects.get()
    assert (purchase.tokens, purchase.price_cents) == (100, 299)


def test_signing_in_on_the_way_to_the_gateway_leads_to_the_packs(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    assert client.get("/payment/checkout/")["Location"] == PAGE


def test_an_unknown_pack_is_told_on_the_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = buy(client, "gold")
    assert answer.status_code == 422
    assert "There is no such pack." in answer.content.decode()
    assert not Purchase.objects.exists()


def test_a_credited_purchase_is_told_once_and_its_entry_pointed_out(
    client: Client, alice: User
) -> None:
    purchase = begin(alice)
    fulfill(purchase_id=purchase.pk)
    client.force_login(alice)
    url = f"{PAGE}?purchase={purchase.pk}"
    first = html(client, url)
    assert "100 tokens added" in first
    assert 'data-purchase="paid"' in first
    assert first.count("entry--new") == 1
    again = html(client, url)
    assert "tokens added" not in again
    assert "entry--new" not in again


def test_an_unfinished_purchase_is_told_until_it_ends(client: Client, alice: User) -> None:
    purchase = begin(alice)
    client.force_login(alice)
    url = f"{PAGE}?purchase={purchase.pk}"
    for _ in range(2):
        assert "This purchase is not complete" in html(client, url)
    fulfill(purchase_id=purchase.pk)
    assert "100 tokens added" in html(client, url)


@pytest.mark.parametrize("wanted", ["", "7", "0c2e1f5a-7d58-4f0e-9a43-6a1c2b3d4e5f"])
def test_strange_purchases_are_passed_over(client: Client, alice: User, wanted: str) -> None:
    client.force_login(alice)
    assert "data-purchase" not in html(client, f"{PAGE}?purchase={wanted}")


def test_purchases_of_others_are_not_told(client: Client, alice: User, bob: User) -> None:
    purchase = begin(alice)
    fulfill(purchase_id=purchase.pk)
    client.force_login(bob)
    text = html(client, f"{PAGE}?purchase={purchase.pk}")
    assert "data-purchase" not in text
    assert changes(text) == ["+10"]


def test_settled_holds_show_only_among_all_entries(client: Client, alice: User) -> None:
    settled = ledger.hold(wallet_id=alice.pk, tokens=2, key="a", description="Reply from Yuki")
    ledger.release(hold=settled, key="b")
    ledger.hold(wallet_id=alice.pk, tokens=1, key="c", description="Reply from Yuki")
    client.force_login(alice)
    assert changes(html(client)) == ["1 reserved", "+10"]
    everything = html(client, f"{PAGE}?kind=all")
    assert changes(everything) == ["1 reserved", "2 freed", "2 reserved", "+10"]
    assert "Not charged" in everything
    assert "Charged<" not in everything


def test_a_hold_says_whether_it_was_charged(client: Client, alice: User) -> None:
    kept = ledger.hold(wallet_id=alice.pk, tokens=2, key="a")
    ledger.capture(hold=kept, key="b")
    returned = ledger.hold(wallet_id=alice.pk, tokens=3, key="c")
    ledger.release(hold=returned, key="d")
    ledger.hold(wallet_id=alice.pk, tokens=1, key="e")
    notes = [Row(entry).note for entry in read(user_id=alice.pk, kind="all", limit=9).entries]
    #        still open, release, its hold, capture, its hold, welcome tokens
    open_one = "Reserved while the reply is being written"
    assert notes == [open_one, "Not charged", "Not charged", "", "Charged", ""]


def test_reserved_tokens_are_shown_and_hidden_by_one_link(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert ">Show reserved tokens</a>" in html(client)
    everything = html(client, f"{PAGE}?kind=all")
    assert 'aria-label="Hide reserved tokens">Hide</a>' in everything
    assert "When it is done, they are charged." in everything
    assert "When it is done, they are charged." not in html(client)


def test_paging_goes_there_and_back(client: Client, alice: User) -> None:
    for number in range(24):
        ledger.grant(wallet_id=alice.pk, tokens=100 + number, key=f"g{number}")
    client.force_login(alice)
    first = html(client)
    older = re.search(r'href="([^"#]+)#history" data-keep="older"', first)
    assert older
    second = html(client, older[1].replace("&amp;", "&"))
    assert changes(second) == ["+103", "+102", "+101", "+100", "+10"]
    newer = re.search(r'href="([^"#]+)#history" data-keep="newer"', second)
    assert newer
    assert changes(html(client, newer[1].replace("&amp;", "&"))) == changes(first)


@pytest.mark.parametrize("query", ["before=x", "before=" + "9" * 30, "after=-1", "kind=nonsense"])
def test_nonsense_in_the_address_means_the_first_page(
    client: Client, alice: User, query: str
) -> None:
    client.force_login(alice)
    assert changes(html(client, f"{PAGE}?{query}")) == ["+10"]


def test_the_partial_keeps_the_filter_and_is_only_the_history(client: Client, alice: User) -> None:
    hold = ledger.hold(wallet_id=alice.pk, tokens=1, key="a")
    ledger.release(hold=hold, key="b")
    client.force_login(alice)
    text = html(client, "/payment/history/?kind=all")
    assert changes(text) == ["1 freed", "1 reserved", "+10"]
    assert "<html" not in text
    assert "/payment/?kind" not in text  # its links lead to the page, here out of the filter
    assert 'href="/payment/#history"' in text


def test_times_are_told_in_utc_with_z(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert re.search(r'<time datetime="[\d-]+T[\d:.]+Z"', html(client))


def test_debits_are_signed_with_a_minus(client: Client, alice: User) -> None:
    ledger.spend(wallet_id=alice.pk, tokens=3, key="s", description="Reply from Yuki")
    client.force_login(alice)
    assert changes(html(client)) == ["−3", "+10"]


def test_reasons_are_shown_as_text(client: Client, alice: User, bob: User) -> None:
    reason = "<b>goodwill</b>"
    ledger.adjust(wallet_id=alice.pk, tokens=2, key="adj:1", actor=bob, reason=reason)
    client.force_login(alice)
    text = html(client)
    assert "&lt;b&gt;goodwill&lt;/b&gt;" in text
    assert reason not in text


@pytest.mark.parametrize(
    ("kind", "description", "said"),
    [
        ("capture", "Reply from Yuki", "<Yuki> replied"),
        ("release", "Reply from Yuki", "<Yuki> replied"),
        ("refund", "Reply from 100% \n Yuki", "<100% \n Yuki> replied"),
        ("purchase", "Starter pack", "<Starter pack>"),
        ("grant", "Something new", "Something new"),
    ],
)
def test_descriptions_are_translated_around_the_name(
    kind: str, description: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = {"Reply from %(name)s": "<%(name)s> replied", "Starter pack": "<Starter pack>"}
    monkeypatch.setattr(
        "payments.ledger.descriptions.gettext", lambda text: catalogue.get(text, text)
    )
    assert describe(LedgerEntry(kind=kind, description=description)) == said


@pytest.mark.parametrize(
    ("stored", "english", "chinese"),
    [
        ("Yuki of the Snow Inn", "Reply from Yuki of the Snow Inn", "雪栈掌柜由纪的回复"),
        ("XN-7", "Reply from XN-7", "XN-7 的回复"),
        ("Orla", "Reply from Orla", "Orla 的回复"),  # no starter: the name as it is
        ("雪栈掌柜由纪", "Reply from 雪栈掌柜由纪", "雪栈掌柜由纪的回复"),
        ("Save", "Reply from Save", "Save 的回复"),  # a name, not the button
    ],
)
def test_the_characters_name_follows_the_language_of_the_page(
    stored: str, english: str, chinese: str
) -> None:
    entry = LedgerEntry(kind="capture", description=f"Reply from {stored}")
    with override("en"):
        assert describe(entry) == english
    with override("zh-hans"):
        assert describe(entry) == chinese


@pytest.mark.parametrize("description", ["", "  "])
def test_without_a_description_the_kind_is_named(description: str) -> None:
    with override("en"):
        assert describe(LedgerEntry(kind="capture", description=description)) == "Reply"


def test_large_numbers_are_grouped() -> None:
    assert Row(LedgerEntry(kind="grant", amount=1_234_567)).change == "+1,234,567"


def test_numbers_are_grouped_alike_in_every_language(client: Client, alice: User) -> None:
    """Django's Chinese format would write 2,0000 and 2000 beside our +2,000."""
    ledger.grant(wallet_id=alice.pk, tokens=20_000, key="g")
    client.force_login(alice)
    client.cookies["django_language"] = "zh-hans"
    with override("en"):  # and back to it: the page's language stays on after the request
        text = html(client)
    assert changes(text)[0] == "+20,000"
    assert "20,010" in text
    assert 'lang="zh-hans"' in text
