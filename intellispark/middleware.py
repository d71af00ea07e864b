"""Django's and others' middleware, run on the event loop.

As they come, these classes go to a thread and back for each of their hooks, and WhiteNoise holds a
thread for as long as the request lasts. The subclasses here do the same work on the loop, and take
a thread only where something has to be read or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from asgiref.sync import sync_to_async
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.middleware import SessionMiddleware
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import async_only_middleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import bind_extra_request_finished_metadata
from whitenoise.middleware import WhiteNoiseMiddleware

from intellispark.api.addresses import client_address

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
View = Callable[..., HttpResponseBase]

logger = structlog.get_logger(__name__)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class OnTheLoop(MiddlewareMixin):
    """Calls the hooks of the class that it is mixed into on the loop, without a thread for each."""

    sync_capable = False

    def writes(self, request: HttpRequest) -> bool:
        """Whether `process_response` does I/O for this request, and so needs a thread."""
        return False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        before = getattr(self, "process_request", None)
        after = getattr(self, "process_response", None)
        response: HttpResponseBase | None = before(request) if before else None
        if response is None:
            response = await self.get_response(request)  # type: ignore[misc]  # it is async here
        if after and self.writes(request):
            response = await sync_to_async(after)(request, response)
        elif after:
            response = after(request, response)
        return response


class AsyncSecurityMiddleware(OnTheLoop, SecurityMiddleware):
    pass


class AsyncXFrameOptionsMiddleware(OnTheLoop, XFrameOptionsMiddleware):
    pass


class AsyncCSPMiddleware(OnTheLoop, CSPMiddleware):
    pass


class AsyncCommonMiddleware(OnTheLoop, CommonMiddleware):
    pass


class AsyncAuthenticationMiddleware(OnTheLoop, AuthenticationMiddleware):
    pass


class AsyncSessionMiddleware(OnTheLoop, SessionMiddleware):
    def writes(self, request: HttpRequest) -> bool:
        return request.session.modified


class AsyncMessageMiddleware(OnTheLoop, MessageMiddleware):
    def writes(self, request: HttpRequest) -> bool:
        storage: BaseStorage | None = getattr(request, "_messages", None)
        return storage is not None and bool(storage.used or storage.added_new)


class AsyncCsrfViewMiddleware(OnTheLoop, CsrfViewMiddleware):
    """Takes a thread only where it may refuse: the error page then reads the database."""

    async def process_view(  # type: ignore[override]  # Django awaits it
        self, request: HttpRequest, view: View, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponseBase | None:
        check = super().process_view
        if request.method in SAFE_METHODS or getattr(view, "csrf_exempt", False):
            return check(request, view, args, kwargs)
        return await sync_to_async(check)(request, view, args, kwargs)


@async_only_middleware
def static_files(get_response: GetResponse) -> GetResponse:
    """Serve WhiteNoise's files. Only a request for one of them takes a thread, to read it."""
    whitenoise = WhiteNoiseMiddleware(None)

    def serve(request: HttpRequest) -> HttpResponse | None:
        path = request.path_info
        found = whitenoise.find_file(path) if whitenoise.autorefresh else whitenoise.files.get(path)
        if found is None:
            return None
        streamed = whitenoise.serve(found, request)
        # Read here: ASGI would read a synchronous stream to its end as well, with a warning.
        response = HttpResponse(b"".join(streamed), status=streamed.status_code)
        del response["Content-Type"]
        for name, value in streamed.items():
            response[name] = value
        streamed.close()
        return response

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(whitenoise.static_prefix):
            response = await sync_to_async(serve)(request)
            if response is not None:
                return response
        return await get_response(request)

    return middleware


@receiver(bind_extra_request_finished_metadata)
def log_user_agent(request: HttpRequest, log_kwargs: dict[str, object], **kwargs: object) -> None:
    log_kwargs["user_agent"] = request.META.get("HTTP_USER_AGENT")


class RequestLogMiddleware(RequestMiddleware):
    """django-structlog's lines and request ids; a line names the user when they are loaded."""

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        self.prepare(request)
        try:
            response: HttpResponse = await self.get_response(request)  # type: ignore[misc]  # it is async here
        except asyncio.CancelledError:
            logger.warning("request_cancelled")
            raise
        self.handle_response(request, response)
        return response

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """As we count it: django-structlog's own reading believes everybody's headers."""
        structlog.contextvars.bind_contextvars(ip=client_address(request))

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        user = request.__dict__.get("user")
        if user is not None and type(user) is not SimpleLazyObject:
            user_id = str(user.pk) if user.pk else None
            structlog.contextvars.bind_contextvars(user_id=user_id)
