"""Around every request: choose the language, keep suspended people out, apply the rate limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import alogout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.decorators import async_only_middleware

from intellispark.accounts.models import User
from intellispark.accounts.rate_limits import counted_as, limiter, scope_of
from intellispark.api.errors import RateLimited
from intellispark.api.middleware import refusal

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@async_only_middleware
def language(get_response: GetResponse) -> GetResponse:
    """Answer in the person's own language, else the cookie's, else the browser's.

    This loads `request.user` once, so that async views can read it without a query.
    """

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        request.user = user = await request.auser()
        chosen = user.language if isinstance(user, User) else ""
        translation.activate(chosen or translation.get_language_from_request(request))
        response = await get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response

    return middleware


@async_only_middleware
def suspension(get_response: GetResponse) -> GetResponse:
    """Sign suspended people out at their next page, and show them why.

    The API refuses them itself: there a bearer goes before the session, and sign-in ignores it.
    """

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or not user.is_suspended:
            return await get_response(request)
        if request.path_info.startswith("/api/"):
            return await get_response(request)
        await alogout(request)
        return await sync_to_async(render)(request, "accounts/suspended.html", status=403)

    return middleware


@async_only_middleware
def rate_limits(get_response: GetResponse) -> GetResponse:
    """Answer 429 to whoever asks too often: after the user is known, before the view runs.

    A long answer counts as several requests, for those that come after it.
    """

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        scope = scope_of(request) if settings.RATE_LIMITS else None
        if scope is None:
            return await get_response(request)
        who = counted_as(request, scope)
        wait = await limiter.hit(scope, who)
        if wait is not None:
            return await refusal(request, RateLimited(retry_after=wait))
        response = await get_response(request)
        await limiter.weigh(response, scope, who)
        return response

    return middleware
