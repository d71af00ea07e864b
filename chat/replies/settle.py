"""The end of a generation: the reply and its price in one transaction, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.conversations.html import RenderedHtml, rendered
from chat.conversations.models import Chat, Message
from chat.replies import events
from chat.replies.models import Generation
from intellispark.text import has_visible
from payments.ledger import operations as ledger

Status = Generation.Status
SETTLED = (
    "status", "error_code", "error_detail", "retry_after_secs", "prompt_tokens",
    "completion_tokens", "estimated", "finished_at", "capture",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a generation ended. `text` None means the row's text; only the admin shows `reason`.

    `cut_by` is what ended the text before its time, as on the message.
    """

    status: Generation.Status
    text: str | None = None
    cut_by: str = ""
    error_code: str = ""
    reason: str = ""
    retry_after_secs: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimated: bool = False


class _Said(TypedDict):
    content: str
    status: Generation.Status
    cut_by: str


class EndedMessage(_Said, RenderedHtml):
    """The columns of a reply's message that its end sets."""


def finish_generation(
    *, generation_id: UUID, chat_id: UUID, outcome: Outcome, **fence: object
) -> Generation | None:
    """Settle the generation and return it with its outcome; None when another was faster.

    `fence` adds conditions on the row (`owner=…`, `lease_expires_at=…`), so that of all who want to
    finish a running generation one does. A complete or stopped reply with visible text is captured,
    every other one released; a reply without visible text leaves no message.

    It locks in the order of every writer of this app: chat, generation, wallet.
    """
    # Rendered before anything is locked; only a text that has to be read first is rendered inside.
    columns = None if outcome.text is None else _columns(outcome.text, outcome)
    with transaction.atomic():
        generation = _lock(generation_id, chat_id, fence)
        if generation is None:
            return None
        generation.status = outcome.status
        generation.error_code = outcome.error_code
        generation.error_detail = outcome.reason[:300]
        generation.retry_after_secs = outcome.retry_after_secs
        generation.prompt_tokens = outcome.prompt_tokens
        generation.completion_tokens = outcome.completion_tokens
        generation.estimated = outcome.estimated
        generation.finished_at = timezone.now()
        kept = generation.message.content if generation.message else ""
        text = kept if outcome.text is None else outcome.text
        _close_hold(
            generation,
            taken=has_visible(text) and outcome.status in (Status.COMPLETE, Status.STOPPED),
        )
        generation.save(update_fields=SETTLED)
        _close_message(generation, columns or _columns(text, outcome))
        Chat.objects.filter(pk=chat_id).update(updated_at=generation.finished_at)
        events.reply_finished(generation)
        return generation


def _lock(generation_id: UUID, chat_id: UUID, fence: Mapping[str, object]) -> Generation | None:
    """The generation, if it still runs and passes the fence. Its chat is locked, then itself:
    PostgreSQL locks in the order that `of` names."""
    rows = Generation.objects.running().filter(pk=generation_id, chat=chat_id, **fence)
    rows = rows.select_related("chat", "hold", "message")
    return next(iter(rows.select_for_update(no_key=True, of=("chat", "self"))), None)


def _columns(text: str, outcome: Outcome) -> EndedMessage:
    """What the end makes of the reply's message."""
    ended: _Said = {"content": text, "status": outcome.status, "cut_by": outcome.cut_by}
    return {**ended, **rendered(Message(role=Message.Role.ASSISTANT, **ended))}


def _close_message(generation: Generation, columns: EndedMessage) -> None:
    message = generation.message
    if message is None:
        return
    if not has_visible(columns["content"]):
        message.delete()  # the database's row of the generation forgets it too
        generation.message = None
        return
    for name, value in columns.items():
        setattr(message, name, value)
    message.save(update_fields=columns)


def _close_hold(generation: Generation, *, taken: bool) -> None:
    hold = generation.hold
    if hold is None:  # a free model
        return
    if taken:
        key = f"gen:{generation.pk}:capture"
        generation.capture = entry = ledger.capture(hold=hold, key=key, op=generation.op)
    else:
        entry = ledger.release(hold=hold, key=f"gen:{generation.pk}:release", op=generation.op)
    entry.hold = hold  # so that `hold.resolution` is loaded
