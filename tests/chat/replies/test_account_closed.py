"""Closing an account deletes what was said, and settles what was being said."""

from __future__ import annotations

import pytest

from chat.conversations.chats import create_chat
from chat.models import Chat, Generation, Message
from chat.replies.start import start
from intellispark.accounts.closing import close_account
from intellispark.accounts.models import User
from payments.models import LedgerEntry, Wallet
from tests.support.factories import make_character

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.django_db,
    pytest.mark.usefixtures("assert_ledger"),
]


def test_chats_go_and_the_ledger_stays(alice: User, bob: User) -> None:
    character = make_character()
    create_chat(user=alice, character_id=character.pk)
    kept = create_chat(user=bob, character_id=character.pk)
    close_account(user=alice)
    assert list(Chat.objects.all()) == [kept]
    assert set(Message.objects.values_list("chat", flat=True)) == {kept.pk}
    assert LedgerEntry.objects.filter(wallet_id=alice.pk).count() == 1


def test_a_running_reply_is_settled_first(alice: User) -> None:
    chat = create_chat(user=alice, character_id=make_character().pk)
    generation, _ = start(
        user=alice,
        chat_id=chat.pk,
        body={"content": "Hi."},
        key="k",
    )
    assert Wallet.objects.get(pk=alice.pk).held == generation.price_tokens == 1
    close_account(user=alice)
    wallet = Wallet.objects.get(pk=alice.pk)
    assert (wallet.balance, wallet.held) == (10, 0)
    assert not Generation.objects.exists()
