"""The network address that a request comes from, and which proxies are believed about it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"
FORWARDING = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


def client_address(request: HttpRequest) -> str:
    """The client's address, as told by our own proxies only.

    This reads `X-Forwarded-For` from its end, and goes on only while the host that wrote the entry
    is in TRUSTED_PROXIES. So entries that a client puts at the start are never believed.
    """
    address = peer_address(request)
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and is_trusted(address):
        hop = _without_port(hops.pop())
        if not _readable(hop):
            break
        address = hop
    return address


def peer_address(request: HttpRequest) -> str:
    """The address of whoever holds the connection: the client, or the last proxy."""
    return request.META.get("REMOTE_ADDR") or UNKNOWN


def is_trusted(address: str) -> bool:
    """Whether that is a proxy of ours."""
    return _readable(address) and any(
        _parsed(address) in network for network in _networks(tuple(settings.TRUSTED_PROXIES))
    )


def is_forwarded(request: HttpRequest) -> bool:
    """Whether the request says that a proxy has passed it on."""
    return any(name in request.META for name in FORWARDING)


def address_key(request: HttpRequest) -> str:
    """The key for counting requests: the IPv4 address, or the /64 of an IPv6 one (one person's)."""
    return _network(client_address(request))


def _network(address: str) -> str:
    if ":" not in address or not _readable(address):
        return address
    if isinstance(parsed := _parsed(address), IPv4Address):
        return str(parsed)
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))


def counted_address(peer: str) -> str | None:
    """As whose a connection is counted: None for this machine and our proxies, whose are many's."""
    if not _readable(peer) or _parsed(peer).is_loopback or is_trusted(peer):
        return None
    return _network(peer)


def is_loopback(request: HttpRequest) -> bool:
    """Whether the request comes from this machine itself, and not through a proxy on it.

    A proxy that sets no header is told by the host that was asked for, which it passes on, or by
    TRUSTED_PROXIES, where a proxy on this machine stands.
    """
    address = peer_address(request)
    host = _without_port(request.META.get("HTTP_HOST", ""))
    return (
        _readable(address)
        and _parsed(address).is_loopback
        and not is_trusted(address)
        and not is_forwarded(request)
        and (host == "localhost" or (_readable(host) and _parsed(host).is_loopback))
    )


def _readable(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _parsed(address: str) -> IPv4Address | IPv6Address:
    """An IPv4 address that came over an IPv6 socket is the IPv4 address."""
    parsed = ip_address(address)
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


def _without_port(entry: str) -> str:
    """The address of an entry such as 192.0.2.1:4711, [2001:db8::1]:443, "[2001:db8::1]"."""
    entry = entry.strip().strip('"')
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry, strict=False) for entry in trusted)
