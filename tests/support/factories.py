"""Rows with defaults, for tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chat.models import Character, CharacterText
from intellispark.accounts.models import User
from payments.ledger import operations as ledger
from payments.models import Wallet

PASSWORD = "a-long-enough-password-7"


def make_user(username: str = "", *, tokens: int | None = None, **fields: Any) -> User:
    """A user whose wallet holds `tokens` (default: the welcome tokens)."""
    username = username or f"user{uuid4().hex[:10]}"
    fields.setdefault("email", f"{username}@example.com")
    user = User.objects.create_user(username, password=PASSWORD, **fields)
    if tokens is not None:
        set_tokens(user, tokens)
    return user


def make_wallet(tokens: int = 10) -> Wallet:
    return Wallet.objects.get(pk=make_user(tokens=tokens).pk)


def set_tokens(user: User, tokens: int) -> None:
    """Bring the balance to `tokens` by entries."""
    change = tokens - Wallet.objects.get(pk=user.pk).balance
    key = f"test:{uuid4()}"
    if change > 0:
        ledger.grant(wallet_id=user.pk, tokens=change, key=key)
    elif change < 0:
        ledger.spend(wallet_id=user.pk, tokens=-change, key=key)


def make_character(name: str = "Mira", **fields: Any) -> Character:
    fields.setdefault("demo_replies", {"en": [f"Hello from {name}.", "Tell me more."]})
    character = Character.objects.create(**fields)
    CharacterText.objects.create(
        character=character,
        language="en",
        name=name,
        tagline="Somebody to talk with",
        description="Somebody to talk with, in tests.",
        opening_line="Hello there.",
        prompt="You are somebody to talk with.",
    )
    return character
