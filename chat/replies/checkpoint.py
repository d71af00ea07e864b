"""What the writer of a reply tells its row about once a second, and what the row tells it."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

from chat.conversations.models import Message
from chat.replies.lease import lease_end, owner
from chat.replies.models import Generation


class Instruction(Enum):
    """What to do next: go on, stop because the user said so, or give up because it is lost."""

    CONTINUE = "continue"
    STOP = "stop"
    LOST = "lost"


def checkpoint(
    *, generation_id: UUID, message_id: UUID, text: str | None, renew: bool
) -> Instruction:
    """Keep the text so far (when given), renew the lease (when asked), read the orders.

    A checkpoint that comes after the end finds the message no longer streaming and changes
    nothing. One to three statements, each a transaction of its own.
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
