"""`/ws/balance/`: who gets in, what comes first, and that every entry arrives."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework_simplejwt.tokens import UntypedToken

from intellispark.accounts.models import Session, TokenFamily, User
from intellispark.accounts.tokens import issue
from intellispark.asgi import application
from intellispark.realtime import sockets
from intellispark.realtime.hub import hub
from intellispark.realtime.publish import close_on_commit
from payments.ledger import operations as ledger
from tests.support.factories import make_user
from tests.support.sockets import PATIENCE_SECS, PatientSocket

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True)]

ORIGIN = (b"origin", b"http://testserver")
HOST = (b"host", b"testserver")


def signed_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def by_session(key: str, *headers: tuple[bytes, bytes]) -> PatientSocket:
    cookie = (b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode())
    return PatientSocket(
        application, "/ws/balance/", headers=[HOST, cookie, *(headers or (ORIGIN,))]
    )


def by_bearer(token: str) -> PatientSocket:
    return PatientSocket(
        application, "/ws/balance/", headers=[HOST], subprotocols=["bearer", token]
    )


async def opened(socket: PatientSocket) -> dict[str, Any]:
    """The snapshot of a socket that is let in."""
    connected, _ = await socket.connect()
    assert connected
    return await socket.receive_json_from()


async def refusal(socket: PatientSocket) -> int:
    """The close code of a socket that is accepted first and then refused."""
    connected, _ = await socket.connect()
    assert connected
    return (await socket.receive_output())["code"]


def in_use() -> int:
    """How many connections of the pool somebody has."""
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats.get("pool_available", 0)


async def last_code(socket: PatientSocket) -> int:
    """The close code of a socket that is let in, whether or not its snapshot came before."""
    connected, _ = await socket.connect()
    assert connected
    async with asyncio.timeout(PATIENCE_SECS):
        while (output := await socket.receive_output())["type"] != "websocket.close":
            pass
    return output["code"]


async def closed_with(socket: PatientSocket) -> int:
    output = await socket.receive_output()
    assert output["type"] == "websocket.close", output
    return output["code"]


async def spend(user: User, key: str, tokens: int = 1, op: str = "") -> None:
    await sync_to_async(ledger.spend)(wallet_id=user.pk, tokens=tokens, key=key, op=op)


async def test_the_snapshot_comes_first_and_every_entry_follows() -> None:
    user = await sync_to_async(make_user)("alice")
    other = await sync_to_async(make_user)("bob")
    tab, phone = [by_session(await sync_to_async(signed_in)(user)) for _ in range(2)]
    stranger = by_session(await sync_to_async(signed_in)(other))
    snapshot = await opened(tab)
    assert snapshot == {
        "type": "balance.snapshot",
        "user_id": str(user.pk),
        "epoch": 1,
        "version": 1,
        "balance": 10,
        "held": 0,
        "available": 10,
        "debt": 0,
        "ops": [],
        "beacon_secs": settings.BEACON_SECS,
    }
    await opened(phone)
    await opened(stranger)
    await spend(user, "one", op="client-key")
    for socket in (tab, phone):
        frame = await socket.receive_json_from()
        entry = frame.pop("entry")
        assert frame == {
            **{k: v for k, v in snapshot.items() if k not in ("beacon_secs", "user_id")},
            "type": "balance.changed",
            "version": 2,
            "balance": 9,
            "available": 9,
            "ops": ["client-key"],
        }
        assert entry["kind"] == "spend"
        assert entry["amount"] == -1
        assert entry["created_at"].endswith("Z")
    assert await stranger.receive_nothing(timeout=0.3)
    for socket in (tab, phone, stranger):
        await socket.disconnect()


@pytest.mark.postgresql
@override_settings(BEACON_SECS=60)  # its pass may come to the same thread, and tidy up
async def test_an_open_socket_keeps_no_connection_of_the_pool() -> None:
    key = await sync_to_async(signed_in)(await sync_to_async(make_user)("alice"))
    before = in_use()
    socket = by_session(key)
    await opened(socket)
    async with asyncio.timeout(PATIENCE_SECS):
        while in_use() > before:  # noqa: ASYNC110  the pool rings no bell
            await asyncio.sleep(0.01)
    await socket.disconnect()


async def test_a_rolled_back_entry_is_never_heard_of() -> None:
    user = await sync_to_async(make_user)("alice")
    socket = by_session(await sync_to_async(signed_in)(user))
    await opened(socket)

    def fail() -> None:
        from django.db import transaction

        with transaction.atomic():
            ledger.spend(wallet_id=user.pk, tokens=1, key="gone")
            transaction.set_rollback(True)

    await sync_to_async(fail)()
    assert await socket.receive_nothing(timeout=0.3)
    await socket.disconnect()


async def test_cookies_need_an_allowed_origin() -> None:
    user = await sync_to_async(make_user)("alice")
    key = await sync_to_async(signed_in)(user)
    for origin in (b"http://evil.example", b"null", b"http://testserver:9"):
        assert await refusal(by_session(key, (b"origin", origin))) == 4403
    assert await refusal(by_session(key, (b"x-none", b""))) == 4403


async def test_strangers_are_refused() -> None:
    assert await refusal(by_session("no-such-session")) == 4401
    nobody = PatientSocket(application, "/ws/balance/", headers=[HOST, ORIGIN])
    assert await refusal(nobody) == 4401
    assert await refusal(by_bearer("not-a-token")) == 4401


async def test_a_bearer_token_needs_no_origin_and_is_echoed_as_bearer() -> None:
    user = await sync_to_async(make_user)("alice")
    access = (await sync_to_async(issue)(user))["access"]
    socket = by_bearer(access)
    connected, protocol = await socket.connect()
    assert (connected, protocol) == (True, "bearer")
    assert (await socket.receive_json_from())["balance"] == 10
    await socket.disconnect()


async def test_suspended_people_are_refused() -> None:
    user = await sync_to_async(make_user)("alice")
    key = await sync_to_async(signed_in)(user)
    await User.objects.filter(pk=user.pk).aupdate(suspended_at=timezone.now())
    assert await refusal(by_session(key)) == 4403


async def test_the_beacon_tells_the_version_and_closes_what_lapsed() -> None:
    user = await sync_to_async(make_user)("alice")
    access = (await sync_to_async(issue)(user))["access"]
    stays = by_session(await sync_to_async(signed_in)(user))
    leaving = await sync_to_async(signed_in)(user)
    leaves, revoked = by_session(leaving), by_bearer(access)
    for socket in (stays, leaves, revoked):
        await opened(socket)
    # by the database alone: no message tells anybody
    await Session.objects.filter(pk=leaving).adelete()
    await TokenFamily.objects.aupdate(revoked_at=timezone.now())
    await hub.pass_once()
    assert await stays.receive_json_from() == {"type": "balance.beacon", "epoch": 1, "version": 1}
    assert await closed_with(leaves) == 4401
    assert await closed_with(revoked) == 4401
    await User.objects.filter(pk=user.pk).aupdate(suspended_at=timezone.now())
    await hub.pass_once()
    assert await closed_with(stays) == 4403


async def test_an_end_that_was_slept_through_is_found_by_the_beacon(time_machine: Any) -> None:
    user = await sync_to_async(make_user)("alice")
    session = by_session(await sync_to_async(signed_in)(user))
    bearer = by_bearer((await sync_to_async(issue)(user))["access"])
    for socket in (session, bearer):
        await opened(socket)
    time_machine.move_to(timezone.now() + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"])
    await hub.pass_once()
    assert await closed_with(bearer) == 4401
    assert (await session.receive_json_from())["type"] == "balance.beacon"
    time_machine.move_to(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    await hub.pass_once()
    assert await closed_with(session) == 4401


async def test_a_bearers_socket_ends_with_its_token_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its own timer: for everybody else, the beacon included, the token is still good."""
    user = await sync_to_async(make_user)("alice")
    access = (await sync_to_async(issue)(user))["access"]
    nearly = UntypedToken(access)["exp"] - 0.05  # type: ignore[arg-type]
    monkeypatch.setattr(sockets, "time", SimpleNamespace(time=lambda: nearly))
    assert await last_code(by_bearer(access)) == 4401


async def test_suspension_is_told_to_bearers_too_whose_family_it_revokes() -> None:
    user = await sync_to_async(make_user)("alice")
    access = (await sync_to_async(issue)(user))["access"]
    socket = by_bearer(access)
    await opened(socket)
    # by the database alone: no message tells anybody
    await User.objects.filter(pk=user.pk).aupdate(suspended_at=timezone.now())
    await TokenFamily.objects.aupdate(revoked_at=timezone.now())
    await hub.pass_once()
    assert await closed_with(socket) == 4403
    assert await refusal(by_bearer(access)) == 4403


async def test_a_close_message_reaches_the_credential_it_means() -> None:
    user = await sync_to_async(make_user)("alice")
    one, two = [await sync_to_async(signed_in)(user) for _ in range(2)]
    first, second = by_session(one), by_session(two)
    await opened(first)
    await opened(second)
    await sync_to_async(close_on_commit)(user.pk, code=4401, session_key=one)
    assert await closed_with(first) == 4401
    assert await second.receive_nothing(timeout=0.3)
    await sync_to_async(close_on_commit)(user.pk, code=4403)
    assert await closed_with(second) == 4403


async def test_one_person_has_at_most_twenty_sockets() -> None:
    user = await sync_to_async(make_user)("alice")
    key = await sync_to_async(signed_in)(user)
    sockets = [by_session(key) for _ in range(20)]
    for socket in sockets:
        await opened(socket)
    assert await refusal(by_session(key)) == 4429
    await sockets[0].disconnect()
    again = by_session(key)
    await opened(again)
    for socket in [*sockets[1:], again]:
        await socket.disconnect()


@pytest.mark.parametrize("path", ["/ws/balance", "/ws/other/", "/"])
async def test_other_paths_are_refused(path: str) -> None:
    connected, _ = await PatientSocket(application, path, headers=[HOST]).connect()
    assert not connected
