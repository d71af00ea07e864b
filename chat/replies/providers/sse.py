"""Reads a Server-Sent Events body as JSON objects (WHATWG HTML, section 9.2), forgivingly: servers
leave out empty lines between events, and some answer with one JSON object in place of a stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from chat.errors import ProviderFailed

JSONObject = dict[str, object]
"""Parsed, and not checked yet."""

DONE: Final[JSONObject] = {"done": True}
"""Stands for `data: [DONE]`; compare by identity."""

SIGN_OF_LIFE: Final[JSONObject] = {}
"""Stands for a comment: a chunk with nothing in it."""

EVENT_MAX_BYTES = 2_000_000  # of a line, an event, or a body without a stream
# Bytes, not text: JSON may hold what Unicode also takes for the end of a line (U+2028).
LINE_END = re.compile(rb"\r\n|\r|\n")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


async def json_events(body: AsyncIterator[bytes]) -> AsyncGenerator[JSONObject, None]:
    """The objects of the events, SIGN_OF_LIFE for each comment, then DONE if the server said so.

    Raises ProviderFailed where data is not a JSON object, or too long. An `event: error` whose data
    has no `error` key gets one.
    """
    kind, data, is_stream = "", "", False
    async with aclosing(_lines(body)) as lines:
        async for line in lines:
            if line.lstrip().startswith(("{", "[")):  # no field has such a name
                yield await _whole(line, lines)
                if not is_stream:
                    yield DONE
                return
            is_stream = is_stream or bool(line.strip())
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:  # several lines, and no object yet
                    yield _event(kind, _parsed(data))
                kind, data = "", ""
            elif line.startswith(":"):
                yield SIGN_OF_LIFE
            elif name == "event":
                kind = value
            elif name == "data" and value.startswith("[DONE]"):
                yield DONE
                return
            elif name == "data" and (data or value.strip()):
                data = f"{data}\n{value}" if data else value
                if len(data) > EVENT_MAX_BYTES:
                    raise ProviderFailed
                # Most events are one line, and are told at once; others at their empty line.
                if "\n" not in data and (found := _object(data)) is not None:
                    data = ""
                    yield _event(kind, found)
    if data:
        yield _event(kind, _parsed(data))


def _event(kind: str, found: JSONObject) -> JSONObject:
    return {"error": found} if kind == "error" and not found.get("error") else found


async def _whole(first: str, lines: AsyncIterator[str]) -> JSONObject:
    """The object that the body is; the first of a list, as which some servers send an error."""
    parts, size = [first], len(first)
    async for line in lines:
        parts.append(line)
        size += len(line)
        if size > EVENT_MAX_BYTES:
            raise ProviderFailed
    return _parsed("\n".join(parts))


def _parsed(data: str) -> JSONObject:
    found = _object(data)
    if found is None:
        raise ProviderFailed
    return found


def _object(data: str) -> JSONObject | None:
    """The JSON object in `data`. None for what is no JSON, or not whole; raises ProviderFailed for
    JSON that is no object."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        raise ProviderFailed
    return found


async def _lines(body: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The lines, however they end and are cut, and what stands after the last end."""
    line = bytearray()
    is_first, after_return = True, False
    async for block in body:
        if after_return:
            block = block.removeprefix(b"\n")  # the other half of a line end that was told already
        after_return = block.endswith(b"\r")
        for number, piece in enumerate(LINE_END.split(block)):
            if number:
                yield _text(line, is_first)
                is_first, line = False, bytearray()
            line += piece
        if len(line) > EVENT_MAX_BYTES:
            raise ProviderFailed
    if line:
        yield _text(line, is_first)


def _text(line: bytearray, is_first: bool) -> str:
    raw = line.removeprefix(BYTE_ORDER_MARK) if is_first else line
    return raw.decode("utf-8", "replace")
