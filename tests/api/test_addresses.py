"""Where a request comes from, through trusted proxies only."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from intellispark.api.addresses import address_key, client_address, is_loopback

PROXIES = ["10.0.0.0/8", "2001:db8:ffff::1"]


def request(remote: str, forwarded: str | None = None, *, host: str = "testserver"):
    headers = {"Host": host} | ({} if forwarded is None else {"X-Forwarded-For": forwarded})
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # not from a proxy of ours: not believed
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7"),  # the start is the client's
        ("10.0.0.1", "198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("2001:db8:ffff::1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", None, "unknown"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711, 10.9.9.9:80", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", '"[2001:db8::7]"', "2001:db8::7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),  # IPv4 over an IPv6 socket
    ],
)
def test_the_clients_address(
    settings: Settings, remote: str, forwarded: str | None, client: str
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert client_address(request(remote, forwarded)) == client


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_ipv6_counts_by_network(address: str, key: str) -> None:
    assert address_key(request(address)) == key


def test_loopback_is_not_believed_through_a_proxy() -> None:
    assert is_loopback(request("127.0.0.1", host="localhost:8000"))
    assert is_loopback(request("::1", host="[::1]:8000"))
    assert is_loopback(request("::ffff:127.0.0.1", host="127.0.0.1"))
    assert not is_loopback(request("127.0.0.1", "198.51.100.7", host="localhost"))
    assert not is_loopback(request("192.0.2.1", host="localhost"))


def test_a_proxy_on_this_machine_that_sets_no_header_is_no_loopback(settings: Settings) -> None:
    assert not is_loopback(request("127.0.0.1", host="example.com"))  # what people asked for
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert not is_loopback(request("127.0.0.1", host="127.0.0.1:8000"))
