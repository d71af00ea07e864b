"""The ledger's past: balances at any time, files, and the bar that shows how far a reading is."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import AsyncClient, Client

from intellispark.accounts.long_answers import AnswerEnded
from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from intellispark.db import database_now
from payments.admin import past
from payments.audit import export
from payments.ledger import operations as ledger
from payments.ledger.history import balance_at
from tests.support.factories import make_user
from tests.support.server import ROOT, database_url
from tests.support.time_travel import pass_time

pytestmark = pytest.mark.both_engines

WALLETS = "/admin/payments/wallet/"


@pytest.fixture
def root(db: None, client: Client) -> User:
    user = make_user("root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def spend(user: User, count: int, description: str = "") -> None:
    for number in range(count):
        ledger.spend(
            wallet_id=user.pk, tokens=1, key=f"s{number}{description}", description=description
        )


def exported(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("export_ledger", *arguments)
    return capsys.readouterr().out


def test_the_balance_at_any_version(alice: User) -> None:
    ledger.hold(wallet_id=alice.pk, tokens=4, key="h")
    spend(alice, 2)
    found = [balance_at(user_id=alice.pk, version=version) for version in range(6)]
    assert [(one["balance"], one["held"]) for one in found] == [
        (0, 0),
        (10, 0),
        (10, 4),
        (9, 4),
        (8, 4),
        (8, 4),
    ]
    assert (found[4]["available"], found[5]["version"]) == (4, 4)


def test_the_balance_at_any_time(alice: User) -> None:
    pass_time(timedelta(days=3))
    spend(alice, 1)
    pass_time(timedelta(days=2))
    now = database_now()
    balances = [
        balance_at(user_id=alice.pk, at=now - timedelta(days=days))["balance"] for days in (6, 4, 1)
    ]
    assert balances == [0, 10, 9]


def test_ndjson_has_every_column_in_order_of_versions(
    alice: User, bob: User, capsys: pytest.CaptureFixture[str]
) -> None:
    spend(alice, 3, "Reply from 绮")
    rows = [json.loads(line) for line in exported(capsys, "--format=ndjson").splitlines()]
    assert len(rows) == 5
    assert list(rows[0]) == list(export.COLUMNS)
    own = [row for row in rows if row["wallet_id"] == str(alice.pk)]
    assert [row["version"] for row in own] == [1, 2, 3, 4]
    assert (own[3]["amount"], own[3]["balance_after"]) == (-1, 7)
    assert own[3]["description"] == "Reply from 绮"
    assert own[3]["created_at"].endswith("Z")


@pytest.mark.parametrize("name", ["username", "email", "pk"])
def test_csv_of_one_person_from_a_version_on(
    alice: User, bob: User, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    spend(alice, 3)
    text = exported(capsys, f"--user={getattr(alice, name)}", "--from-version=3")
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["version"] for row in rows] == ["3", "4"]


def test_an_unknown_person_is_an_error(db: None) -> None:
    with pytest.raises(CommandError, match="No users are called nobody"):
        call_command("export_ledger", "--user=nobody")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_spreadsheet_runs_what_people_wrote(
    alice: User, capsys: pytest.CaptureFixture[str], start: str
) -> None:
    formula = f'{start}HYPERLINK("http://example.com","x")'
    ledger.spend(wallet_id=alice.pk, tokens=1, key="s", description=formula)
    (row,) = csv.DictReader(StringIO(exported(capsys, "--from-version=2"), newline=""))
    assert row["description"] == f"'{formula}"
    assert row["amount"] == "-1"


def test_an_admin_downloads_one_wallet(client: Client, root: User, alice: User) -> None:
    spend(alice, 2)
    answer = client.get(f"{WALLETS}{alice.pk}/export/", {"from_version": 2, "form": "csv"})
    rows = list(csv.DictReader(StringIO(b"".join(answer).decode())))  # type: ignore[arg-type]
    assert [row["version"] for row in rows] == ["2", "3"]
    assert answer["Content-Disposition"].startswith('attachment; filename="ledger-')
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    nonsense = client.get(f"{WALLETS}{alice.pk}/export/", {"from_version": 0, "form": "exe"})
    assert nonsense.status_code == 302


@pytest.mark.django_db(transaction=True)
def test_over_asgi_it_comes_in_parts(
    root: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    spend(alice, 4)

    async def download() -> list[str]:
        client = AsyncClient()
        await client.aforce_login(root)
        answer: Any = await client.get(
            f"{WALLETS}{alice.pk}/export/", {"from_version": 1, "form": "ndjson"}
        )
        assert answer.is_async
        return [part.decode() async for part in answer if part]

    parts = asyncio.run(download())
    assert [part.count("\n") for part in parts] == [2, 2, 1]
    versions = [json.loads(line)["version"] for line in "".join(parts).splitlines()]
    assert versions == [1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
async def test_an_export_breaks_off_when_its_admin_is_suspended(
    alice: User, root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(**_chosen: object) -> AsyncIterator[str]:
        yield "head"
        await asyncio.Event().wait()

    monkeypatch.setattr(past, "parts", endless)
    client = AsyncClient()
    await client.aforce_login(root)
    answer: Any = await client.get(
        f"{WALLETS}{alice.pk}/export/", {"from_version": 1, "form": "csv"}
    )
    parts = aiter(answer)
    assert await anext(parts) == b"head"
    await sync_to_async(suspend)(user=root)
    with pytest.raises(AnswerEnded):  # so the server cuts the connection: no half file looks whole
        async with asyncio.timeout(60):
            await anext(parts)


def test_an_admin_asks_for_a_past_balance(client: Client, root: User, alice: User) -> None:
    spend(alice, 2)
    page = client.get(f"{WALLETS}{alice.pk}/past/", {"version": 2}).content.decode()
    assert "Balance 9, reserved 0, available 9, debt 0; version 2." in page
    page = client.get(f"{WALLETS}{alice.pk}/past/", {"at": "2001-01-01 00:00"}).content.decode()
    assert "Balance 0, reserved 0, available 0, debt 0; version 0." in page
    assert "data-past" not in client.get(f"{WALLETS}{alice.pk}/past/").content.decode()


@pytest.mark.parametrize("path", ["past", "export"])
def test_only_who_may_see_wallets_sees_their_past(
    client: Client, alice: User, bob: User, path: str
) -> None:
    clerk = make_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert client.get(f"{WALLETS}{alice.pk}/{path}/").status_code == 403
    client.force_login(bob)
    assert client.get(f"{WALLETS}{alice.pk}/{path}/").status_code == 302


@pytest.mark.parametrize("command", ["check_ledger", "export_ledger"])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_drawn_for_people_only(
    alice: User, monkeypatch: pytest.MonkeyPatch, command: str, is_terminal: bool
) -> None:
    stream = StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    call_command(command, stdout=StringIO())
    assert ("0/1 [" in stream.getvalue()) == is_terminal
    assert bool(stream.getvalue()) == is_terminal


@pytest.mark.django_db(transaction=True)
def test_a_reader_may_leave_early(alice: User) -> None:
    """As `| head` does: no traceback."""
    command = [sys.executable, "manage.py", "export_ledger"]
    env = {**os.environ, "DATABASE_URL": database_url(), "TEST_DB_SUFFIX": ""}
    env["PYTEST_XDIST_WORKER"] = ""
    export = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert export.stdout
    assert export.stderr
    export.stdout.close()
    assert export.stderr.read() == b""
    assert export.wait(30) == 0
