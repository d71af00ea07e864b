"""The network address that a request comes from."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The client's address, as told by our own proxies only.

    This reads `X-Forwarded-For` from its end, and goes on only while the host that wrote the entry
    is in TRUSTED_PROXIES. So entries that a client puts at the start are never believed.
    """
    address = request.META.get("REMOTE_ADDR") or UNKNOWN
    trusted = _networks(tuple(settings.TRUSTED_PROXIES))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _within(address, trusted):
        hop = hops.pop().strip()
        if not _readable(hop):
            break
        address = hop
    return address


def address_key(request: HttpRequest) -> str:
    """The key for counting requests: the IPv4 address, or the /64 of an IPv6 one (one person's)."""
    return _network(client_address(request))


def _network(address: str) -> str:
    if ":" not in address or not _readable(address):
        return address
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))


def counted_address(peer: str) -> str | None:
    """As whose a connection is counted: None for this machine and our proxies, whose are many's."""
    if not _readable(peer) or ip_address(peer).is_loopback:
        return None
    return None if _within(peer, _networks(tuple(settings.TRUSTED_PROXIES))) else _network(peer)


def is_loopback(request: HttpRequest) -> bool:
    """Whether the request comes from this machine itself, and not through a proxy on it."""
    forwarded = "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META
    address = request.META.get("REMOTE_ADDR", "")
    return not forwarded and _readable(address) and ip_address(address).is_loopback


def _readable(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return _readable(address) and any(ip_address(address) in network for network in networks)


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry, strict=False) for entry in trusted)
