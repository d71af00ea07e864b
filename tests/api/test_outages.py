"""When the database is away or busy, everybody is told so, and when to come again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from pytest_django import Settings

from intellispark.accounts import sockets
from intellispark.accounts.models import User
from intellispark.api.errors import Unavailable, as_domain_error
from intellispark.asgi import application
from intellispark.realtime.dataloader import DataLoader
from tests.api.conftest import error_of
from tests.support.pages import signed_in
from tests.support.sockets import PatientSocket

pytestmark = pytest.mark.django_db

PAGES = ["/", "/characters/", "/chats/", "/payment/", "/settings/", "/accounts/login/", "/admin/"]
API = [
    "/api/auth/me",
    "/api/characters",
    "/api/chats",
    "/api/payment/user/tokens",
    "/api/generations/00000000-0000-0000-0000-000000000000",
]


@pytest.fixture(params=[OperationalError, InterfaceError])
def away(request: pytest.FixtureRequest, alice: User, client: Client) -> Iterator[Client]:
    """Alice's browser, of which the server finds the database gone."""
    client.force_login(alice)
    client.raise_request_exception = False

    def no_database(*args: object) -> None:
        raise request.param("the connection is lost: a secret")

    with connection.execute_wrapper(no_database):
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_so(away: Client, path: str) -> None:
    response = away.get(path)
    assert response.status_code == 503
    assert response["Retry-After"] == "3"
    assert response["Content-Type"].startswith("text/html")
    assert b"secret" not in response.content
    assert b"Back in a moment" in response.content


@pytest.mark.parametrize("path", API)
def test_the_api_says_so_in_its_error_body(away: Client, path: str) -> None:
    response = away.get(path)
    assert error_of(response, 503, "unavailable")["retry_after"] == 3
    assert response["Retry-After"] == "3"
    assert b"secret" not in response.content


@pytest.mark.django_db(transaction=True)
async def test_a_socket_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_database(keys: list[sockets.Credential]) -> dict[Any, Any]:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(sockets, "person", DataLoader(no_database))
    key = "a" * 32
    headers = [
        (b"host", b"testserver"),
        (b"origin", b"http://testserver"),
        (b"cookie", f"sessionid={key}".encode()),
    ]
    socket = PatientSocket(application, "/ws/balance/", headers)
    connected, _ = await socket.connect()
    assert connected
    assert await socket.receive_output() == {"type": "websocket.close", "code": 1011}


@pytest.mark.django_db(transaction=True)
async def test_a_page_of_today_gets_its_first_frame_whatever_cookies_stand_beside() -> None:
    alice = await sync_to_async(User.objects.create_user)("alice", email="alice@example.com")
    key = await sync_to_async(signed_in)(alice)
    for odd in ('prefs={"a": 1}', "a b=c d", "näme=wört", "=", 'q="', "a[]=1,2"):
        headers = [
            (b"host", b"testserver"),
            (b"origin", b"http://testserver"),
            (b"cookie", f"{odd}; sessionid={key}".encode("latin-1")),
        ]
        socket = PatientSocket(application, "/ws/balance/", headers)
        await socket.connect()
        assert (await socket.receive_json_from())["type"] == "balance.snapshot", odd
        await socket.disconnect()


def test_a_statement_that_sqlite_cannot_run_is_a_bug_and_no_outage() -> None:
    error = OperationalError("no such table: payments")
    cause = sqlite3.OperationalError("no such table: payments")
    cause.sqlite_errorcode = sqlite3.SQLITE_ERROR
    error.__cause__ = cause
    assert as_domain_error(error) is None
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    assert isinstance(as_domain_error(error), Unavailable)


@pytest.mark.urls("tests.api.urls")
def test_the_page_of_a_failure_needs_none_of_what_may_have_failed(
    api: Client, settings: Settings
) -> None:
    """Neither the database nor the list of hashed files, which a missing one raises from."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    settings.STATIC_ROOT = "/nonexistent"
    response = api.get("/page/bug/")
    assert response.status_code == 500
    assert b"Something went wrong on our side" in response.content
