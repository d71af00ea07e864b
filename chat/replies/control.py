"""Reading and stopping a generation, in whatever process the request arrives."""

from __future__ import annotations

import time
from uuid import UUID

from django.utils import timezone

from chat.replies import running
from chat.replies.models import Generation
from chat.replies.recover import recover_if_lapsed
from intellispark.accounts.models import User
from intellispark.api.lookups import get_by_id

SETTLE_SECS = 5  # the writer looks for a stop once a second
POLL_SECS = 0.1


def get_generation(*, user: User, generation_id: UUID) -> Generation:
    """The person's own generation with its outcome: one query. Raises NotFound.

    While this process writes it, its message has the newest text from memory.
    """
    generation = get_by_id(Generation.objects.owned_by(user).with_outcome(), generation_id)
    text = running.text_so_far(generation_id)
    if generation.is_running and generation.message and text is not None:
        generation.message.content = text
    return generation


def request_stop(*, user: User, generation_id: UUID) -> Generation:
    """Ask the generation to stop, and return it. Asking again, or too late, changes nothing.

    A run of this process stops at once, one of another process within a second, when it reads the
    row. When the lease has lapsed, the generation is settled here.
    """
    generation = get_generation(user=user, generation_id=generation_id)
    if not generation.is_running:
        return generation
    _ask_to_stop(generation_id)
    return get_generation(user=user, generation_id=generation_id)


def stop_and_wait(generation_id: UUID) -> None:
    """Ask the generation to stop, and wait until whoever writes it has settled it.

    For at most `SETTLE_SECS`: a writer that hangs, and whose lease is good, is not waited for any
    longer. Never call it on a loop or in a transaction, which would not see the end.
    """
    ends_at = time.monotonic() + SETTLE_SECS
    _ask_to_stop(generation_id)
    running.wait_for_end(generation_id, secs=SETTLE_SECS)
    while time.monotonic() < ends_at and Generation.objects.running().filter(pk=generation_id):
        time.sleep(POLL_SECS)
        recover_if_lapsed(generation_id)


def _ask_to_stop(generation_id: UUID) -> None:
    running.stop(generation_id)
    row = Generation.objects.running().filter(pk=generation_id)
    row.filter(stop_requested_at=None).update(stop_requested_at=timezone.now())
    recover_if_lapsed(generation_id)
