"""Reading and stopping a generation, in whatever process the request arrives."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from chat.replies import running
from chat.replies.models import Generation
from chat.replies.recover import recover_if_lapsed
from intellispark.accounts.models import User
from intellispark.api.lookups import get_by_id


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
    running.stop(generation_id)
    row = Generation.objects.running().filter(pk=generation_id)
    row.filter(stop_requested_at=None).update(stop_requested_at=timezone.now())
    recover_if_lapsed(generation_id)
    return get_generation(user=user, generation_id=generation_id)
