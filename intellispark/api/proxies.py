"""What a request is behind a proxy: whether it came by https, and how our absolute links begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urljoin

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware
from django.utils.encoding import iri_to_uri

from intellispark.api.addresses import is_forwarded, is_trusted, peer_address

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

logger = structlog.get_logger(__name__)
_PROTO, _ = settings.SECURE_PROXY_SSL_HEADER


@async_only_middleware
def behind_proxies(get_response: GetResponse) -> GetResponse:
    """Believe `X-Forwarded-Proto` of our own proxies only, and answer with links of our origin.

    The first of all middleware: Django asks for the scheme from there on.
    """
    told: set[str] = set()

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        peer = peer_address(request)
        if is_trusted(peer):
            if proto := request.META.get("HTTP_X_FORWARDED_PROTO"):
                request.META[_PROTO] = proto
        elif is_forwarded(request) and not told:
            told.add(peer)  # once: a stranger must not fill the log
            logger.warning("forwarded.untrusted", peer=peer, hint="Is it in TRUSTED_PROXIES?")
        if settings.ORIGIN:
            request.build_absolute_uri = partial(absolute_uri, request)  # type: ignore[method-assign]
        return await get_response(request)

    return middleware


def absolute_uri(request: HttpRequest, location: str | None = None) -> str:
    """As Django's `build_absolute_uri`, but of our origin, whatever host the request named."""
    here = settings.ORIGIN + request.path
    return iri_to_uri(urljoin(here, location or settings.ORIGIN + request.get_full_path()))
