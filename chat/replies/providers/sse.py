"""Reads the JSON objects of a Server-Sent Events body (WHATWG HTML, section 9.2), leniently.

It splits at line feeds only: JSON may contain U+2028, which Python also takes for a line's end.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

from chat.errors import ProviderFailed

DONE: Final[dict[str, Any]] = {"done": True}
"""Stands for `data: [DONE]`; compare by identity."""

LINE_MAX_BYTES = 1_000_000


async def json_events(body: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """The objects of the `data:` lines, then DONE if the server said so.

    Raises ProviderFailed where a line is not a JSON object. An `event: error` whose data has no
    `error` key gets one.
    """
    event = ""
    async for line in _lines(body):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            event = ""
        elif name == "event":
            event = value
        elif name == "data" and value.strip():
            if value.startswith("[DONE]"):
                yield DONE
                return
            found = _object(value)
            yield {"error": found} if event == "error" and not found.get("error") else found


def _object(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ProviderFailed from error
    if not isinstance(found, dict):
        raise ProviderFailed
    return found


async def _lines(body: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    rest = b""
    async for block in body:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > LINE_MAX_BYTES:
            raise ProviderFailed
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.rstrip(b"\r").decode("utf-8", "replace")
