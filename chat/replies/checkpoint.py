"""Once a second the writer of a reply saves its text, renews its lease, and looks for a stop."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

from chat.conversations.models import Message
from chat.replies.lease import lease_end, owner
from chat.replies.models import Generation


class Instruction(Enum):
    """What the writer must do next: go on, stop for the user, or give up what others settled."""

    CONTINUE = "continue"
    STOP = "stop"
    LOST = "lost"


def checkpoint(
    *, generation_id: UUID, message_id: UUID, text: str | None, renew: bool
) -> Instruction:
    """Save `text` (unless None), renew the lease (if `renew`), and read what to do next.

    After the generation's end it changes nothing: the message is no longer streaming. One to three
    statements, each a transaction of its own.
    """
    mine = Generation.objects.running().filter(pk=generation_id, owner=owner())
    if renew:
        mine.update(lease_expires_at=lease_end())
    if text is not None:
        Message.objects.filter(pk=message_id, status=Message.Status.STREAMING).update(content=text)
    rows = mine.values_list("stop_requested_at", flat=True)[:1]
    for stop_requested_at in rows:
        return Instruction.STOP if stop_requested_at else Instruction.CONTINUE
    return Instruction.LOST
