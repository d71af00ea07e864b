"""The ledger is proved while the system runs: what commits meanwhile is no difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from intellispark.accounts.models import User
from payments.audit.verify import Watch, differences
from payments.ledger import operations as ledger
from payments.ledger.lots import Line
from payments.management.commands import check_ledger
from tests.support.factories import make_user
from tests.support.threads import at_once

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


def writing_meanwhile(user: User) -> Watch:
    """Another connection commits between the reading of wallets and that of entries."""

    def write(_number: int) -> None:
        ledger.spend(wallet_id=user.pk, tokens=1, key="meanwhile")
        make_user("meanwhile")

    def watch(rows: Iterator[Line]) -> Iterator[Line]:
        assert at_once(1, write) == [None]
        yield from rows

    return watch


def test_the_command_proves_one_moment(
    alice: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = writing_meanwhile(alice)

    def tqdm(rows: Iterator[Line], **options: Any) -> Iterator[Line]:
        return watch(rows)

    monkeypatch.setattr(check_ledger, "tqdm", tqdm)
    call_command("check_ledger", "--verify")
    assert "1 wallets agree with their 1 entries." in capsys.readouterr().out
    assert list(differences()) == []


def test_without_a_snapshot_it_would_show(alice: User) -> None:
    assert len(list(differences(writing_meanwhile(alice)))) == 2
    assert list(differences()) == []
