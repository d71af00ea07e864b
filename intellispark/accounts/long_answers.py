"""Answers that last: a stream, an export, a reply that is waited for.

A request shows its credential once, as it comes. While it is being answered, one pass a second
looks at the credentials of all such answers of this process together (three queries), and ends
those whose person was suspended, signed out, or changed the password. An access token that only
runs out ends no answer that it began.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from django.http import HttpRequest

from intellispark.accounts.requests import current_user
from intellispark.accounts.sockets import lapsed
from intellispark.accounts.tokens import bearer_of, holder_of
from intellispark.api.errors import DomainError, NotSignedIn, Suspended
from intellispark.realtime.close_codes import CloseCode
from intellispark.realtime.identity import Identity
from intellispark.threads import in_thread

logger = structlog.get_logger(__name__)

T = TypeVar("T")

RECHECK_SECS = 1.0
STREAMS_PER_USER = 8
"""Of one process. A browser opens one for each tab in which a reply grows; docs/decisions/0010 says
why such things are not counted over all processes."""
NEVER = sys.maxsize


class AnswerEnded(Exception):
    """The answer may not go on. `code` says why, as for a socket: signed out, refused, too many."""

    def __init__(self, code: CloseCode) -> None:
        self.code = code
        super().__init__(code)

    def refusal(self) -> DomainError:
        """The error for a request that has not been answered yet."""
        return Suspended() if self.code is CloseCode.REFUSED else NotSignedIn()


class LongAnswer:
    """One of them, on the loop that sends it."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.loop = asyncio.get_running_loop()
        self._ended_by: CloseCode | None = None
        self._waiting: asyncio.Timeout | None = None

    def end(self, code: CloseCode) -> None:
        """What it waits for now, or next, raises AnswerEnded. The first call counts."""
        if self._ended_by is None:
            self._ended_by = code
            if self._waiting is not None:
                self._waiting.reschedule(self.loop.time())

    async def wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work()` gives. Raises AnswerEnded, at the latest when `end` is called."""
        if self._ended_by is None:
            try:
                async with asyncio.timeout(None) as self._waiting:
                    return await work()
            except TimeoutError:
                if self._ended_by is None:  # it was the work's own
                    raise
            finally:
                self._waiting = None
        raise AnswerEnded(self._ended_by)


class LongAnswers:
    """All of this process, by person, the oldest first."""

    def __init__(self) -> None:
        self._open: dict[UUID, list[LongAnswer]] = {}
        self._streams: dict[UUID, list[LongAnswer]] = {}
        self._watches: WeakKeyDictionary[AbstractEventLoop, asyncio.Task[None]] = (
            WeakKeyDictionary()
        )

    @contextmanager
    def watched(self, identity: Identity, *, is_stream: bool = False) -> Iterator[LongAnswer]:
        """An answer to that person, watched until the block ends. One stream too many ends the
        person's oldest."""
        answer = LongAnswer(identity)
        kept = [self._open, self._streams] if is_stream else [self._open]
        if is_stream:
            streams = self._of(self._streams, answer.loop, identity.user_id)
            for oldest in streams[: max(0, len(streams) - STREAMS_PER_USER + 1)]:
                oldest.end(CloseCode.TOO_MANY)
                self._streams[identity.user_id].remove(oldest)
        for answers in kept:
            answers.setdefault(identity.user_id, []).append(answer)
        self._watch(answer.loop)
        try:
            yield answer
        finally:
            for answers in kept:
                _remove(answers, answer)

    def _of(
        self, answers: dict[UUID, list[LongAnswer]], loop: AbstractEventLoop, user_id: UUID
    ) -> list[LongAnswer]:
        return [each for each in answers.get(user_id, ()) if each.loop is loop]

    def _watch(self, loop: AbstractEventLoop) -> None:
        task = self._watches.get(loop)
        if task is None or task.done():
            self._watches[loop] = loop.create_task(self._recheck(loop))

    async def _recheck(self, loop: AbstractEventLoop) -> None:
        while answers := [
            each for mine in self._open.values() for each in mine if each.loop is loop
        ]:
            try:
                gone = await in_thread(lapsed)({each.identity for each in answers})
            except Exception:  # the next pass must come whatever befell this one
                logger.exception("long_answers.unchecked")
                gone = {}
            for answer in answers:
                if code := gone.get(answer.identity):
                    answer.end(code)
            await asyncio.sleep(RECHECK_SECS)


def _remove(answers: dict[UUID, list[LongAnswer]], answer: LongAnswer) -> None:
    user_id = answer.identity.user_id
    mine = answers.get(user_id, [])
    if answer in mine:
        mine.remove(answer)
    if not mine:
        answers.pop(user_id, None)


long_answers = LongAnswers()


def identity_of(request: HttpRequest) -> Identity:
    """Who asks, and by what: of a request that was authenticated. No query."""
    user_id = current_user(request).pk
    raw = bearer_of(request)
    if raw is not None:
        return Identity(user_id, family=str(holder_of(raw).family), expires=NEVER)
    return Identity(user_id, session_key=request.session.session_key or "")


async def while_valid(identity: Identity, parts: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """These parts of an answer. When the credential ends first it raises AnswerEnded, so that the
    server breaks the connection off: half a file must not look whole."""
    with long_answers.watched(identity) as answer:
        while True:
            try:
                part = await answer.wait(lambda: anext(parts))
            except StopAsyncIteration:
                return
            yield part
