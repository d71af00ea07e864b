"""Asking for a reply, following it, stopping it.

These are plain async views: DRF's are synchronous, and would hold a thread for as long as a reply
takes. `chat.api.schema` describes them for OpenAPI by hand. What they raise before a stream begins
gets its error body from `intellispark.api.middleware`.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from chat.api.answers import balance_at_start, ending_of, message_of, state_of
from chat.api.sse import last_event_offset, stream_of
from chat.replies.control import get_generation, request_stop
from chat.replies.models import Generation
from chat.replies.start import start_detached
from chat.replies.tail import wait_for_end
from intellispark.accounts.languages import requested_language
from intellispark.accounts.long_answers import AnswerEnded, identity_of, long_answers
from intellispark.accounts.requests import authenticate
from intellispark.api.body import plain_body_of
from intellispark.api.errors import NotFound
from intellispark.api.idempotency import client_key
from intellispark.threads import in_thread


@csrf_exempt  # authenticate checks the token where a session is used
@require_POST
async def generate(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    """Start one reply, and answer with its stream, with 202 at once, or with the whole reply."""
    user = await authenticate(request)
    key, body = client_key(request), plain_body_of(request)
    generation = await start_detached(
        user=user, chat_id=chat_id, body=body, key=key, language=requested_language(request)
    )
    if "text/event-stream" in request.headers.get("Accept", ""):
        return stream_of(request, generation, offset=last_event_offset(request))
    if "respond-async" in request.headers.get("Prefer", ""):
        return await _accepted(generation)
    return await _finished(request, generation)


@csrf_exempt  # so that other methods get 405, as everywhere
@require_safe
async def generation_state(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """Answer with the generation's state."""
    generation = await _own_generation(request, generation_id)
    return _json(state_of(generation))


@csrf_exempt
@require_GET
async def generation_events(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """Answer with the stream, from `Last-Event-ID` on."""
    generation = await _own_generation(request, generation_id)
    return stream_of(request, generation, offset=last_event_offset(request))


@csrf_exempt
@require_POST
async def generation_stop(request: HttpRequest, generation_id: UUID) -> HttpResponseBase:
    """Ask the generation to stop; its text so far is kept."""
    user = await authenticate(request)
    generation = await in_thread(request_stop, writes=True)(user=user, generation_id=generation_id)
    return _json({"generation": state_of(generation)}, status=202)


async def _own_generation(request: HttpRequest, generation_id: UUID) -> Generation:
    user = await authenticate(request)
    return await in_thread(get_generation)(user=user, generation_id=generation_id)


async def _accepted(generation: Generation) -> JsonResponse:
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


async def _finished(request: HttpRequest, generation: Generation) -> JsonResponse:
    """Wait for the end, and answer with the reply. Raises the error when there is none, and
    NotSignedIn or Suspended when the credential ends first."""
    with long_answers.watched(identity_of(request)) as answer:
        try:
            finished = await answer.wait(lambda: wait_for_end(generation.pk))
        except AnswerEnded as ended:
            raise ended.refusal() from ended
    if finished is None:
        raise NotFound
    if error := finished.error:
        raise error
    return _json(await ending_of(finished))


def _json(data: dict[str, object], *, status: int = 200) -> JsonResponse:
    response = JsonResponse(data, status=status)
    response["Cache-Control"] = "no-store"
    return response
