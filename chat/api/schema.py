"""Describes the plain async views for OpenAPI: drf-spectacular finds DRF's views only."""

from __future__ import annotations

from chat.conversations.models.message import MESSAGE_MAX_CHARS
from chat.conversations.validation import PATTERN
from intellispark.api.idempotency import KEY_SCHEMA
from intellispark.api.openapi import (
    COUNT,
    SECURITY,
    TIME,
    UUID,
    Schema,
    header,
    json_answer,
    nullable,
    object_of,
    path_id,
    ref,
)

STREAM = """Server-Sent Events. `id` is the offset in Unicode code points after the event's text.

| event | data |
| --- | --- |
| `start` | `{generation_id, message_id, model, balance}` |
| `delta` | `{text, replace?}`: more text; with `replace: true`, in place of all before it |
| `done` | `{message, receipt, balance}` |
| `stopped` | the same, with what was kept |
| `error` | `{error: {code, detail, retry_after?}, message?, balance}` |

The closing event comes on every resume, and its `message` replaces the text. A comment line goes
out every 15 s. Leaving the stream stops nothing. It ends without a closing event when you are
signed out or suspended; a ninth stream ends your oldest with `too_many_streams`."""


EVENT: Schema = {
    **object_of(
        id={"type": "string"},
        event={"type": "string", "enum": ["start", "delta", "done", "stopped", "error"]},
        data={"type": "string", "description": "JSON on one line."},
    ),
    "description": "Each event of the stream.",
}
SSE = {"text/event-stream": {"schema": EVENT}}
LAST_EVENT_ID = header(
    "Last-Event-ID", "Resume after that offset.", {"type": "integer", "minimum": 0}
)

SCHEMAS: Schema = {
    "Balance": object_of(
        epoch=COUNT,
        version=COUNT,
        balance=COUNT,
        held=COUNT,
        available=COUNT,
        debt=COUNT,
        ops={"type": "array", "items": {"type": "string"}},
    ),
    "Generation": object_of(
        id=UUID,
        chat_id=UUID,
        status={
            "type": "string",
            "enum": ["running", "complete", "stopped", "failed", "interrupted"],
        },
        model={"type": "string"},
        price_tokens=COUNT,
        message=nullable("Message"),
        receipt=nullable("Receipt"),
        error={
            **object_of(code={"type": "string"}, detail={"type": "string"}),
            "nullable": True,
        },
        created_at=TIME,
        finished_at={**TIME, "nullable": True},
    ),
    "GenerateRequest": {
        "type": "object",
        "description": "New `content`, or the id of the message to reply to. Without either, the "
        "reply is to the last message.",
        "properties": {
            "content": {
                "type": "string",
                "minLength": 1,
                "maxLength": MESSAGE_MAX_CHARS,
                "pattern": PATTERN,
            },
            "message_id": UUID,
        },
        "not": {"required": ["content", "message_id"]},
    },
    "Reply": object_of(
        message=nullable("Message"), receipt=nullable("Receipt"), balance=ref("Balance")
    ),
}

GENERATE = {
    "operationId": "chats_generate",
    "summary": "Get a reply",
    "description": "Holds the price before it calls the model, captures it when the reply is "
    "complete, and releases it otherwise. `Accept: text/event-stream` streams the reply, "
    "`Prefer: respond-async` answers at once; by default the answer comes with the whole "
    "reply.\n\n" + STREAM,
    "tags": ["generations"],
    "security": SECURITY,
    "parameters": [
        path_id("chat_id"),
        header(
            "Idempotency-Key",
            "The same key with the same body replays the first answer, "
            "and attaches to it while it still runs.",
            KEY_SCHEMA,
        ),
        header("Prefer", "`respond-async`", {"type": "string"}),
    ],
    "requestBody": {"content": {"application/json": {"schema": ref("GenerateRequest")}}},
    "responses": {
        "200": {
            "description": "The whole reply, or its stream.",
            "content": {"application/json": {"schema": ref("Reply")}, **SSE},
        },
        "202": json_answer(
            "Started (`Prefer: respond-async`).",
            object_of(
                generation=ref("Generation"),
                message=nullable("Message"),
                balance=ref("Balance"),
            ),
        ),
        "402": json_answer("Not enough tokens; nothing was stored.", ref("Error")),
        "409": json_answer(
            "A reply is running, or the key was used for another request.", ref("Error")
        ),
        "422": json_answer(
            "Invalid, or there is no message to reply to. With nothing charged: the content filter "
            "stopped the reply, or the message is too long for the model.",
            ref("Error"),
        ),
        "502": json_answer("The model failed; nothing was charged.", ref("Error")),
        "503": json_answer(
            "The model, or the database, is unavailable; nothing was charged.", ref("Error")
        ),
        "504": json_answer("The model took too long; nothing was charged.", ref("Error")),
    },
}

PATHS: Schema = {
    "/api/chats/{chat_id}/generate": {"post": GENERATE},
    "/api/generations/{generation_id}": {
        "get": {
            "operationId": "generations_read",
            "summary": "Read the state of a reply",
            "tags": ["generations"],
            "security": SECURITY,
            "parameters": [path_id("generation_id")],
            "responses": {"200": json_answer("Its state.", ref("Generation"))},
        }
    },
    "/api/generations/{generation_id}/events": {
        "get": {
            "operationId": "generations_events",
            "summary": "Follow a reply",
            "description": STREAM,
            "tags": ["generations"],
            "security": SECURITY,
            "parameters": [path_id("generation_id"), LAST_EVENT_ID],
            "responses": {"200": {"description": "The stream.", "content": SSE}},
        }
    },
    "/api/generations/{generation_id}/stop": {
        "post": {
            "operationId": "generations_stop",
            "summary": "Stop a reply",
            "description": "The text so far is kept, and charged if any of it is visible. "
            "Stopping again, or too late, changes nothing.",
            "tags": ["generations"],
            "security": SECURITY,
            "parameters": [path_id("generation_id")],
            "responses": {"202": json_answer("Stopping.", object_of(generation=ref("Generation")))},
        }
    },
}


def add_generations(result: Schema, **kwargs: object) -> Schema:
    """drf-spectacular's hook; it runs before the one that adds errors to every operation."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    result["paths"].update(PATHS)
    return result
