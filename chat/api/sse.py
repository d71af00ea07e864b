"""A reply as Server-Sent Events; `chat.api.schema.STREAM` lists the events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from django.http import HttpRequest, StreamingHttpResponse

from chat.api.answers import (
    balance_at_start,
    balance_of,
    ending_of,
    error_body,
    message_of,
)
from chat.errors import TooManyStreams
from chat.replies import running
from chat.replies.models import Generation
from chat.replies.tail import Chunk, Heartbeat, tail
from intellispark.accounts.long_answers import (
    AnswerEnded,
    LongAnswer,
    identity_of,
    long_answers,
)
from intellispark.api.errors import DomainError, NotFound
from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.identity import Identity
from intellispark.text import whole_number
from intellispark.threads import in_thread
from payments.ledger.balance import snapshot

COMMENT = ": still here\n\n"


def stream_of(
    request: HttpRequest, generation: Generation, *, offset: int = 0
) -> StreamingHttpResponse:
    """The stream from that offset. When its reader leaves, the generation goes on.

    It ends without a closing event when its credential does; a resume then says why.
    """
    response = StreamingHttpResponse(
        _events(generation, offset, identity_of(request)),
        content_type="text/event-stream; charset=utf-8",
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # or nginx collects the whole stream first
    return response


def last_event_offset(request: HttpRequest) -> int:
    """The offset from which the client wants to go on; 0 when the header is not a number."""
    return whole_number(request.headers.get("Last-Event-ID", "").strip(), max_digits=9) or 0


async def _events(
    generation: Generation, offset: int, identity: Identity
) -> AsyncGenerator[str, None]:
    yield event(
        "start",
        offset,
        {
            "generation_id": str(generation.pk),
            "message_id": str(generation.message_id) if generation.message_id else None,
            "model": generation.model,
            "balance": await balance_at_start(generation),
        },
    )
    with running.reader(), long_answers.watched(identity, is_stream=True) as answer:
        async with aclosing(_followed(answer, generation, offset)) as events:
            async for text in events:
                yield text


async def _followed(
    answer: LongAnswer, generation: Generation, offset: int
) -> AsyncGenerator[str, None]:
    async with aclosing(tail(generation.pk, offset)) as items:
        while True:
            try:
                item = await answer.wait(lambda: anext(items))
            except StopAsyncIteration:
                return
            except AnswerEnded as ended:
                if ended.code is CloseCode.TOO_MANY:
                    yield await _refusal(TooManyStreams(), generation, offset)
                return
            if isinstance(item, Chunk):
                offset = item.end
                replaces = {"replace": True} if item.replaces else {}
                yield event("delta", offset, {"text": item.text, **replaces})
            elif isinstance(item, Heartbeat):
                yield COMMENT
            elif item is None:  # deleted with its chat
                yield await _refusal(NotFound(), generation, offset)
            else:
                yield await _closing(item, offset)


async def _refusal(error: DomainError, generation: Generation, offset: int) -> str:
    """The closing event of a stream that ends without a word about the reply."""
    balance = await in_thread(snapshot)(generation.user_id)
    return event("error", offset, {"error": error_body(error), "balance": balance})


async def _closing(generation: Generation, offset: int) -> str:
    if error := generation.error:
        data: dict[str, object] = {
            "error": error_body(error),
            "balance": await balance_of(generation),
        }
        if generation.message:
            data["message"] = message_of(generation)
        return event("error", offset, data)
    name = "stopped" if generation.status == Generation.Status.STOPPED else "done"
    return event(name, offset, await ending_of(generation))


def event(name: str, offset: int, data: Mapping[str, object]) -> str:
    """One event. JSON escapes line feeds, so the data is always one line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {offset}\nevent: {name}\ndata: {text}\n\n"
