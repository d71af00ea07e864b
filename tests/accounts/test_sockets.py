"""Signing out closes the right sockets, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.test import Client

from intellispark.accounts.closing import close_account
from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from intellispark.accounts.tokens import Pair, issue
from intellispark.asgi import application
from tests.support.factories import PASSWORD, make_user
from tests.support.sockets import PatientSocket

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_beacons(settings: Any) -> None:
    """Where nothing is expected, a beacon that happens to come is no failure."""
    settings.BEACON_SECS = 60


async def by_session(client: Client, user: User) -> PatientSocket:
    await sync_to_async(client.force_login)(user)
    key = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    headers = [
        (b"host", b"testserver"),
        (b"origin", b"http://testserver"),
        (b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={key}".encode()),
    ]
    return await _opened(PatientSocket(application, "/ws/balance/", headers))


async def by_bearer(pair: Pair) -> PatientSocket:
    socket = PatientSocket(
        application, "/ws/balance/", [(b"host", b"testserver")], ["bearer", pair["access"]]
    )
    return await _opened(socket)


async def _opened(socket: PatientSocket) -> PatientSocket:
    connected, _ = await socket.connect()
    assert connected
    frame = await socket.receive_json_from()
    assert frame["type"] == "balance.snapshot"
    return socket


async def closed_with(socket: PatientSocket) -> int:
    output: dict[str, Any] = await socket.receive_output()
    assert output["type"] == "websocket.close", output
    code: int = output["code"]
    return code


async def test_signing_out_closes_that_sessions_sockets_only() -> None:
    alice = await sync_to_async(make_user)("alice")
    client = Client()
    tab, laptop = await by_session(client, alice), await by_session(Client(), alice)
    phone = await by_bearer(await sync_to_async(issue)(alice))
    await sync_to_async(client.post)("/accounts/logout/")
    assert await closed_with(tab) == 4401
    assert await laptop.receive_nothing(0.2)
    assert await phone.receive_nothing(0.2)
    await laptop.disconnect()
    await phone.disconnect()


async def test_an_api_sign_out_closes_that_familys_sockets_only() -> None:
    alice = await sync_to_async(make_user)("alice")
    pairs = [await sync_to_async(issue)(alice) for _ in range(2)]
    sockets = [await by_bearer(pair) for pair in pairs]
    body = {"refresh": pairs[0]["refresh"]}
    await sync_to_async(Client().post)("/api/auth/logout", body, content_type="application/json")
    assert await closed_with(sockets[0]) == 4401
    assert await sockets[1].receive_nothing(0.2)
    await sockets[1].disconnect()


async def test_a_stolen_refresh_token_closes_the_familys_sockets() -> None:
    alice = await sync_to_async(make_user)("alice")
    pair = await sync_to_async(issue)(alice)
    socket = await by_bearer(pair)
    for _ in range(2):
        body = {"refresh": pair["refresh"]}
        await sync_to_async(Client().post)("/api/auth/refresh", body, "application/json")
    assert await closed_with(socket) == 4401


def change_password(user: User) -> None:
    client = Client()
    client.force_login(user)
    new = "another-long-password-8"
    body = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", body).status_code == 302


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (lambda user: suspend(user=user), 4403),
        (change_password, 4401),
        (lambda user: close_account(user=user), 4401),
    ],
    ids=["suspended", "new password", "closed"],
)
async def test_what_ends_all_sessions_closes_all_sockets_of_that_person(
    event: Any, code: int
) -> None:
    alice = await sync_to_async(make_user)("alice")
    bob = await sync_to_async(make_user)("bob")
    tab = await by_session(Client(), alice)
    phone = await by_bearer(await sync_to_async(issue)(alice))
    stranger = await by_session(Client(), bob)
    await sync_to_async(event)(alice)
    assert await closed_with(tab) == code
    assert await closed_with(phone) == code
    assert await stranger.receive_nothing(0.2)
    await stranger.disconnect()
