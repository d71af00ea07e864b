"""The balance over HTTP."""

from __future__ import annotations

from datetime import datetime

from django.test import Client

from intellispark.accounts.models import User
from payments.ledger import operations as ledger
from payments.models import Wallet

URL = "/api/payment/user/tokens"


def test_it_has_the_fields_of_the_contract(client: Client, alice: User) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=3, key="gen:1:hold")
    client.force_login(alice)
    found = client.get(URL).json()
    times = {found.pop("created_at"), found.pop("updated_at")}
    assert found == {
        "user_id": str(alice.pk),
        "balance": 10,
        "held": 3,
        "available": 7,
        "debt": 0,
        "version": 2,
        "epoch": 1,
        "expiring": [],
    }
    assert all(time.endswith("Z") and datetime.fromisoformat(time) for time in times)


def test_it_answers_304_until_an_entry_is_written(client: Client, alice: User) -> None:
    client.force_login(alice)
    first = client.get(URL)
    assert first["ETag"] == f'"{alice.pk}.1.1"'
    assert first["Cache-Control"] == "private, no-cache"
    same = client.get(URL, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert same["Cache-Control"] == "private, no-cache"
    ledger.spend(wallet_id=alice.pk, tokens=1, key="s")
    moved = client.get(URL, headers={"If-None-Match": first["ETag"]})
    assert (moved.status_code, moved.json()["available"]) == (200, 9)
    assert moved["ETag"] == f'"{alice.pk}.1.2"'


def test_the_next_person_at_this_browser_does_not_get_a_304(
    client: Client, alice: User, bob: User
) -> None:
    client.force_login(alice)
    hers = client.get(URL)["ETag"]
    client.force_login(bob)
    his = client.get(URL, headers={"If-None-Match": hers})
    assert (his.status_code, his.json()["user_id"]) == (200, str(bob.pk))


def test_the_tag_changes_with_the_epoch_too(client: Client, alice: User) -> None:
    client.force_login(alice)
    tag = client.get(URL)["ETag"]
    Wallet.objects.filter(pk=alice.pk).update(epoch=2)  # as a restore from a backup does
    again = client.get(URL, headers={"If-None-Match": tag})
    assert (again.status_code, again["ETag"]) == (200, f'"{alice.pk}.2.1"')


def test_everybody_sees_their_own(client: Client, alice: User, bob: User) -> None:
    ledger.grant(wallet_id=bob.pk, tokens=90, key="g")
    client.force_login(alice)
    assert client.get(URL).json()["available"] == 10
    client.force_login(bob)
    assert client.get(URL).json()["available"] == 100


def test_the_signed_out_get_401(client: Client, db: None) -> None:
    answer = client.get(URL)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_signed_in"


def test_it_can_only_be_read(client: Client, alice: User) -> None:
    client.force_login(alice)
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(client, method)(URL, {"balance": 1_000}, "application/json")
        assert answer.status_code == 405
    assert client.get(URL).json()["balance"] == 10
