"""The end of a generation: the reply and its price in one transaction, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.conversations.html import RenderedHtml, rendered
from chat.conversations.models import Chat, Message
from chat.replies import events
from chat.replies.models import Generation
from chat.replies.providers.visible import is_visible
from payments.ledger import operations as ledger

Status = Generation.Status


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
    now = timezone.now()
    # Rendered before anything is locked; only a text that has to be read first is rendered inside.
    columns = None if outcome.text is None else _columns(outcome.text, outcome)
    with transaction.atomic():
        if not Chat.objects.select_for_update(no_key=True).filter(pk=chat_id).exists():
            return None
        won = (
            Generation.objects.running()
            .filter(pk=generation_id, **fence)
            .update(
                status=outcome.status,
                error_code=outcome.error_code,
                error_detail=outcome.reason[:300],
                retry_after_secs=outcome.retry_after_secs,
                prompt_tokens=outcome.prompt_tokens,
                completion_tokens=outcome.completion_tokens,
                estimated=outcome.estimated,
                finished_at=now,
            )
        )
        if not won:
            return None
        generation = Generation.objects.select_related("hold", "message").get(pk=generation_id)
        kept = generation.message.content if generation.message else ""
        text = kept if outcome.text is None else outcome.text
        _close_message(generation.message, columns or _columns(text, outcome))
        _close_hold(
            generation,
            taken=is_visible(text) and outcome.status in (Status.COMPLETE, Status.STOPPED),
        )
        Chat.objects.filter(pk=chat_id).update(updated_at=now)
        settled = Generation.objects.with_outcome().get(pk=generation_id)
        events.reply_finished(settled)
        return settled


def _columns(text: str, outcome: Outcome) -> EndedMessage:
    """What the end makes of the reply's message."""
    ended: _Said = {"content": text, "status": outcome.status, "cut_by": outcome.cut_by}
    return {**ended, **rendered(Message(role=Message.Role.ASSISTANT, **ended))}


def _close_message(message: Message | None, columns: EndedMessage) -> None:
    if message is None:
        return
    if is_visible(columns["content"]):
        Message.objects.filter(pk=message.pk).update(**columns)
    else:
        message.delete()  # Django sets generation.message to null


def _close_hold(generation: Generation, *, taken: bool) -> None:
    if generation.hold is None:  # a free model
        return
    if taken:
        entry = ledger.capture(
            hold=generation.hold, key=f"gen:{generation.pk}:capture", op=generation.op
        )
        Generation.objects.filter(pk=generation.pk).update(capture=entry)
    else:
        ledger.release(hold=generation.hold, key=f"gen:{generation.pk}:release", op=generation.op)
