"""Writes one reply: reads the provider, saves checkpoints, settles the end."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing, suppress
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError

from chat.conversations.models import Message
from chat.errors import (
    ContentFiltered,
    EmptyReply,
    ProviderFailed,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyError,
)
from chat.replies.buffer import ReplyBuffer
from chat.replies.checkpoint import Instruction, checkpoint
from chat.replies.lease import RENEW_SECS, owner
from chat.replies.models import Generation
from chat.replies.providers.base import Cut, Delta, Event, ReplyRequest, Retrying, Usage
from chat.replies.providers.refusals import Refused
from chat.replies.providers.registry import get_provider
from chat.replies.providers.visible import Shown, VisibleText
from chat.replies.settle import Outcome, finish_generation
from chat.replies.usage import counted
from intellispark.text import has_visible
from intellispark.threads import in_thread, writers

logger = structlog.get_logger(__name__)

Status = Generation.Status
CHECKPOINT_SECS = 1.0
SETTLE_PAUSES_SECS = (0.2, 1.0, 3.0)  # after these the lease lapses, and recovery settles it
CLOSE_SECS = 5  # for the provider to let go of its connection


class Run:
    """Made on the loop that runs it. `final` is the generation once it is settled.

    It ends when the provider is done or fails, or by `stop` or `interrupt`, of which the first call
    counts.
    """

    def __init__(self, generation: Generation, request: ReplyRequest) -> None:
        assert generation.message_id is not None  # noqa: S101  start() makes both together
        self.id: UUID = generation.pk
        self.chat_id: UUID = generation.chat_id
        self.user_id: UUID = generation.user_id
        self.message_id: UUID = generation.message_id
        self.provider = get_provider(generation.provider)
        self.loop = asyncio.get_running_loop()
        self.buffer = ReplyBuffer()
        self.final: Generation | None = None
        self.over = threading.Event()
        self._request = request
        self._usage = Usage(None, None)
        self._cut_by = ""
        self._refused: ReplyError | None = None  # what the provider is waiting out
        self._ended_by: Status | None = None
        self._lost = False
        self._pump: asyncio.Task[None] | None = None
        self._is_done = False
        self._due = asyncio.Event()  # the first text came, or the end

    def stop(self) -> None:
        """End it for the user, from any thread: no character is added after this."""
        self._end_soon(Status.STOPPED)

    def interrupt(self) -> None:
        """End it for a reason that is not the user's, from any thread: nothing is charged."""
        self._end_soon(Status.INTERRUPTED)

    def _end_soon(self, by: Status) -> None:
        self.buffer.freeze()
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._end, by)

    async def work(self) -> None:
        """Run from start to settlement. Never raises."""
        self._pump = asyncio.create_task(self._write())
        checkpoints = asyncio.create_task(self._save_checkpoints())
        try:
            if self._ended_by:  # before there was anything to cancel
                self._pump.cancel()
            await asyncio.wait({self._pump})
        except asyncio.CancelledError:  # the loop is closing
            self._end(Status.INTERRUPTED)
            await asyncio.wait({self._pump}, timeout=CLOSE_SECS)
        self.buffer.freeze()
        self._is_done = True
        self._due.set()
        try:
            await asyncio.wait({checkpoints})
            if not self._lost:
                await self._settle(self._outcome())
        except Exception:
            logger.exception("generation.unsettled", generation=str(self.id))
        finally:
            self.buffer.end()
            self.over.set()

    def _end(self, by: Status) -> None:
        if self._ended_by is None:
            self._ended_by = by
            self.buffer.freeze()
            if self._pump is not None:
                self._pump.cancel()

    async def _write(self) -> None:
        """Read the provider's stream into the buffer. Raises ReplyError, or is cancelled.

        Every sign of life gives the model its time anew. Before its first visible text it gets more
        of it than between two pieces: it may load, or think.
        """
        visible = VisibleText()
        try:
            async with (
                asyncio.timeout(settings.AI_TOTAL_TIMEOUT),
                asyncio.timeout(settings.AI_FIRST_TOKEN_TIMEOUT) as patience,
                aclosing(self.provider.stream(self._request)) as events,
            ):
                async for event in events:
                    self._take(event, visible)
                    if self.buffer.is_full:
                        break
                    began = bool(self.buffer.text)
                    secs = settings.AI_IDLE_TIMEOUT if began else settings.AI_FIRST_TOKEN_TIMEOUT
                    patience.reschedule(self.loop.time() + secs)
                self._show(visible.end())
        except TimeoutError as error:
            raise (self._refused or ProviderTimeout()) from error

    def _take(self, event: Event, visible: VisibleText) -> None:
        self._refused = None
        match event:
            case Retrying(ProviderUnavailable() as refused):
                self._refused = refused  # refusing until time is up it is busy, not slow
            case Delta():
                self._show(visible.feed(event.text))
            case Usage():
                self._usage = event
            case Cut():
                self._cut_by = Message.CutBy.LENGTH

    def _show(self, shown: Shown) -> None:
        is_first = not self.buffer.text
        if shown.replaces:
            self.buffer.replace(shown.text)
        else:
            self.buffer.append(shown.text)
        if is_first and self.buffer.text:
            self._due.set()
        if self.buffer.is_full:
            self._cut_by = Message.CutBy.LENGTH

    async def _save_checkpoints(self) -> None:
        """At the first text, then once a second until the end: save the text, renew the lease,
        follow the instruction.

        The first at once, because a reply costs what it costs from its first text on: whoever has
        to settle it without this process reads the row.
        """
        saved, renewed_at = "", time.monotonic()
        while not await self._over_within(CHECKPOINT_SECS):
            text = self.buffer.text
            renew = time.monotonic() - renewed_at >= RENEW_SECS
            try:
                instruction = await in_thread(checkpoint, writes=True)(
                    generation_id=self.id,
                    message_id=self.message_id,
                    text=text if text != saved else None,
                    renew=renew,
                )
            except DatabaseError:  # try again in a second; the lease lasts 30
                logger.warning("checkpoint.failed", generation=str(self.id), exc_info=True)
                continue
            saved, renewed_at = text, time.monotonic() if renew else renewed_at
            if instruction is Instruction.STOP:
                self._end(Status.STOPPED)
            elif instruction is Instruction.LOST:
                self._lost = True
                self._end(Status.INTERRUPTED)

    async def _over_within(self, secs: float) -> bool:
        """Whether the run is over: known after so many seconds, or as soon as something is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(secs):
                await self._due.wait()
        self._due.clear()
        return self._is_done

    def _outcome(self) -> Outcome:
        """The outcome of the run. The text is frozen in the buffer by now."""
        assert self._pump is not None  # noqa: S101
        if not self._pump.done() or self._pump.cancelled():
            return self._ended(self._ended_by or Status.INTERRUPTED)
        if error := self._pump.exception():
            return self._failed(error)
        if self._ended_by is Status.STOPPED:
            return self._ended(Status.STOPPED)
        if not has_visible(self.buffer.text):
            return self._failed(EmptyReply())
        return self._ended(Status.COMPLETE)

    def _ended(self, status: Status) -> Outcome:
        usage = counted(self._usage, self._request, self.buffer.text)
        return Outcome(
            status,
            self.buffer.text,
            cut_by=self._cut_by if status is Status.COMPLETE else "",
            error_code="interrupted" if status is Status.INTERRUPTED else "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            estimated=usage != self._usage,
        )

    def _failed(self, error: BaseException) -> Outcome:
        if not isinstance(error, ReplyError):
            logger.error("generation.failed", generation=str(self.id), exc_info=error)
        known = error if isinstance(error, ReplyError) else ProviderFailed()
        return Outcome(
            Status.FAILED,
            self.buffer.text,
            cut_by=Message.CutBy.CONTENT_FILTER if isinstance(known, ContentFiltered) else "",
            error_code=known.code,
            reason=_reason(error),
            retry_after_secs=known.retry_after,
        )

    async def _settle(self, outcome: Outcome) -> None:
        for pause in (*SETTLE_PAUSES_SECS, None):
            try:
                async with writers.of(self.user_id):
                    self.final = await in_thread(finish_generation, writes=True)(
                        generation_id=self.id, chat_id=self.chat_id, outcome=outcome, owner=owner()
                    )
            except DatabaseError:
                logger.warning("settle.failed", generation=str(self.id), exc_info=True)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                return


def _reason(error: BaseException) -> str:
    """The kind of the error, with status and code of a refusal: no words of a server's."""
    kinds = [type(error).__name__]
    if error.__cause__ is not None:
        is_refusal = isinstance(error.__cause__, Refused)
        kinds.append(str(error.__cause__) if is_refusal else type(error.__cause__).__name__)
    return ": ".join(kinds)
