"""Asking for a reply, following it, stopping it.

Plain async views: DRF's are synchronous, and would hold a thread for as long as a reply takes.
They are in the OpenAPI schema by hand (`chat.api.schema`); errors get their body from the
middleware, before a stream begins.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from chat.api.answers import balance_at_start, ending_of, error_of, message_of, state_of
from chat.api.sse import last_event_offset, stream_of
from chat.conversations.messages import owns_chat
from chat.conversations.validation import clean_text
from chat.replies.control import get_generation, request_stop
from chat.replies.models import Generation
from chat.replies.start import ReplyInput, find_started, start_detached
from chat.replies.tail import wait_for_end
from intellispark.accounts.languages import asked_language
from intellispark.accounts.models import User
from intellispark.accounts.requests import authenticate
from intellispark.api.body import plain_body_of
from intellispark.api.errors import Invalid, NotFound
from intellispark.api.idempotency import client_key
from intellispark.threads import in_thread


@csrf_exempt  # authenticate asks for the token where a session is used
@require_POST
async def generate(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    """One reply: as a stream, as a promise (202), or whole."""
    user = await authenticate(request)
    key, body = client_key(request), plain_body_of(request)
    generation = await in_thread(_replayed)(user, chat_id, key, body)
    if generation is None:
        generation = await start_detached(
            user=user, chat_id=chat_id, asked=_wish(request, body), key=key, body=body
        )
    if "text/event-stream" in request.headers.get("Accept", ""):
        return stream_of(generation, offset=last_event_offset(request))
    if "respond-async" in request.headers.get("Prefer", ""):
        return await _promise(generation)
    return await _whole(generation)


@csrf_exempt  # so that other methods hear 405, as everywhere
@require_safe
async def generation_state(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """How it stands."""
    generation = await _own(request, generation_id)
    return _json(state_of(generation))


@csrf_exempt
@require_GET
async def generation_events(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """The stream, from `Last-Event-ID` on."""
    generation = await _own(request, generation_id)
    return stream_of(generation, offset=last_event_offset(request))


@csrf_exempt
@require_POST
async def generation_stop(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """Ask for its end; what was said by then is kept."""
    user = await authenticate(request)
    generation = await in_thread(request_stop)(user=user, generation_id=generation_id)
    return _json({"generation": state_of(generation)}, status=202)


async def _own(request: HttpRequest, generation_id: UUID) -> Generation:
    user = await authenticate(request)
    return await in_thread(get_generation)(user=user, generation_id=generation_id)


def _replayed(user: User, chat_id: UUID, key: str, body: dict[str, Any]) -> Generation | None:
    """What this key began before. Asked before anything is validated."""
    if not owns_chat(user=user, chat_id=chat_id):
        raise NotFound
    return find_started(user=user, chat_id=chat_id, key=key, body=body)


def _wish(request: HttpRequest, body: dict[str, Any]) -> ReplyInput:
    content, message_id = body.get("content"), body.get("message_id")
    if content is not None and message_id is not None:
        raise Invalid.field("message_id", _("Send either content or message_id, not both."))
    if message_id is not None and not isinstance(message_id, str):
        raise Invalid.field("message_id", _("This must be the id of a message."))
    if content is not None:
        content = clean_text(content, field="content")
    return ReplyInput(content=content, message_id=message_id, language=asked_language(request))


async def _promise(generation: Generation) -> JsonResponse:
    response = _json(
        {
            "generation": state_of(generation),
            "message": message_of(generation),
            "balance": await balance_at_start(generation),
        },
        status=202,
    )
    response["Location"] = reverse("api-generation", args=[generation.pk])
    response["Preference-Applied"] = "respond-async"
    return response


async def _whole(generation: Generation) -> JsonResponse:
    """The finished reply. Raises why there is none."""
    finished = await wait_for_end(generation.pk)
    if finished is None:
        raise NotFound
    if error := error_of(finished):
        raise error
    return _json(await ending_of(finished))


def _json(data: dict[str, Any], *, status: int = 200) -> JsonResponse:
    response = JsonResponse(data, status=status)
    response["Cache-Control"] = "no-store"
    return response
