"""A provider that does what the test says, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from chat.replies.providers.base import Delta, Event, ReplyRequest, Usage

DOTTED_PATH = f"{__name__}.ScriptedProvider"


class Script:
    """What the next replies are: strings, events, exceptions to raise, and waits.

    An `asyncio.Event` in `steps` is waited for; `calls` are the requests that came, `closed`
    counts the streams that were let go of, however they ended.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self, *steps: Any) -> None:
        self.steps: list[Any] = list(steps) or ["Hello ", "there."]
        self.calls: list[ReplyRequest] = []
        self.closed = 0
        self.price = 1
        self.reached = asyncio.Event()


script = Script()


class ScriptedProvider:
    model = "scripted"

    @property
    def price_tokens(self) -> int:
        return script.price

    async def stream(self, request: ReplyRequest) -> AsyncGenerator[Event, None]:
        script.calls.append(request)
        try:
            for step in script.steps:
                match step:
                    case str():
                        yield Delta(step)
                    case asyncio.Event():
                        script.reached.set()
                        await step.wait()
                    case float() | int():
                        await asyncio.sleep(step)
                    case BaseException():
                        raise step
                    case _:
                        yield step
        finally:
            script.closed += 1

    async def close(self) -> None:
        pass


COUNTED = Usage(prompt_tokens=12, completion_tokens=3)
