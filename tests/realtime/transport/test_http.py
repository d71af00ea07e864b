"""What a stranger sends is bounded while it is received: its size, its time, its connections."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from pytest_django import Settings
from twisted.internet.address import IPv4Address

from intellispark.api.addresses import counted_address
from intellispark.realtime.transport.http import BoundedFactory
from tests.support.server import Server

PATIENCE_SECS = 60
HUGE = 400_000_000


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with (
        django_db_blocker.unblock(),
        Server(DJANGO_SETTINGS_MODULE="tests.realtime.transport.impatient") as server,
    ):
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECS)


def head(path: str, *lines: str) -> bytes:
    first = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    return "\r\n".join([*first, *lines, "", ""]).encode()


def answer(line: socket.socket) -> tuple[int, bytes]:
    """Status and body; the connection is read to its end."""
    received = b""
    while part := line.recv(65_536):
        received += part
    start, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in start.lower()
    return int(start.split(b" ")[1]), body


@pytest.mark.parametrize(
    "lines", [(f"Content-Length: {HUGE}",), (f"Content-Length: {HUGE}", "Expect: 100-continue")]
)
def test_a_body_that_says_it_is_too_large_is_not_waited_for(
    server: Server, lines: tuple[str, ...]
) -> None:
    with connect(server) as line:
        line.sendall(head("/api/auth/login", *lines))
        status, body = answer(line)
    assert status == 413
    assert json.loads(body)["error"]["code"] == "payload_too_large"
    assert json.loads(body)["error"]["request_id"]


def test_a_page_is_told_so_by_a_page(server: Server) -> None:
    with connect(server) as line:
        line.sendall(head("/accounts/login/", f"Content-Length: {HUGE}"))
        status, body = answer(line)
    assert status == 413
    assert b"<html" in body


def test_a_chunked_body_is_refused_while_it_comes(server: Server) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with connect(server) as line:
        line.sendall(head("/api/auth/login", "Transfer-Encoding: chunked"))
        line.setblocking(False)
        deadline = time.monotonic() + PATIENCE_SECS
        while time.monotonic() < deadline:
            try:
                line.sendall(chunk)
                sent += len(chunk)
            except BlockingIOError:
                line.setblocking(True)
                break
            except OSError:  # it hangs up
                break
            try:
                if line.recv(1, socket.MSG_PEEK):
                    line.setblocking(True)
                    break
            except BlockingIOError:
                continue
        line.settimeout(PATIENCE_SECS)
        status, body = answer(line)
    assert status == 413
    assert json.loads(body)["error"]["code"] == "payload_too_large"
    assert sent < HUGE / 10


def test_a_body_of_the_size_that_is_allowed_comes_through_in_pieces(server: Server) -> None:
    with connect(server) as line:
        body = b'{"username": "x", "password": "y"}'.ljust(900_000)
        line.sendall(head("/api/auth/login", "Content-Length: 900000", "Connection: close"))
        for start in range(0, len(body), 100_000):
            line.sendall(body[start : start + 100_000])
        status, _ = answer(line)
    assert status == 401


@pytest.mark.parametrize(
    "begin",
    [b"POST / HTTP/1.1\r\nHost: a\r\n", head("/api/auth/login", "Content-Length: 1000")],
    ids=["head", "body"],
)
def test_a_request_that_drips_is_not_waited_for(server: Server, begin: bytes) -> None:
    with connect(server) as line:
        line.sendall(begin)
        line.settimeout(0.1)
        deadline = time.monotonic() + PATIENCE_SECS
        received = b""
        while time.monotonic() < deadline:
            try:
                line.sendall(b"X")
                received = line.recv(1_000)
                break
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    with connect(server) as line:
        for _ in range(3):
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            received = b""
            while not received.endswith(b'{"status": "ok"}'):
                received += line.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200 ")


def test_what_the_server_refuses_by_itself_has_the_error_body_too(server: Server) -> None:
    with connect(server) as line:
        line.sendall(b"GET /api/x HTTP/1.1\r\nHost: a\x0b\r\nConnection: close\r\n\r\n")
        status, body = answer(line)
    assert status == 400
    assert json.loads(body)["error"]["code"] == "malformed_request"


class Transport:
    """As far as a connection that is made needs one."""

    def __init__(self) -> None:
        self.lost = 0

    def connectionLost(self, reason: object) -> None:
        self.lost += 1

    def registerProducer(self, producer: object, streaming: bool) -> None: ...


def test_one_address_has_so_many_connections(settings: Settings) -> None:
    settings.CONNECTIONS_PER_ADDRESS = 3
    settings.TRUSTED_PROXIES = ["192.0.2.100"]
    factory = HTTPFactory(None)
    factory.doStart()
    bounded = BoundedFactory(factory, counted_address)

    def opened(host: str) -> Transport | None:
        protocol = factory.buildProtocol(IPv4Address("TCP", host, 50_000))
        if protocol is None:
            return None
        transport = Transport()
        protocol._channel.setTimeout = lambda secs: None
        protocol.makeConnection(transport)
        return transport

    first, *others = [opened("192.0.2.1") for _ in range(5)]
    assert first
    assert [bool(each) for each in others] == [True, True, False, False]
    assert opened("192.0.2.2")
    assert all(opened("127.0.0.1") and opened("192.0.2.100") for _ in range(10))
    first.connectionLost(None)
    assert first.lost == 1
    assert opened("192.0.2.1")
    assert opened("192.0.2.1") is None
    assert bounded._open == {"192.0.2.1": 3, "192.0.2.2": 1}
