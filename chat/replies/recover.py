"""Settles generations whose process is gone: it releases their tokens and keeps their text."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import DatabaseError

from chat.replies.lease import owner
from chat.replies.models import Generation
from chat.replies.settle import Outcome, finish_generation

logger = structlog.get_logger(__name__)


def recover_orphans(*, sole_process: bool = False) -> int:
    """Settle abandoned generations as interrupted; the result is their number.

    Abandoned are those with a lapsed lease; for a process that is known to be the only one
    (`sole_process`), all that are not its own. Safe to run several times at once, and while an
    owner finishes late.
    """
    running = Generation.objects.running()
    orphans = running.exclude(owner=owner()) if sole_process else Generation.objects.lapsed()
    return sum(
        try_to_recover(orphan, even_unlapsed=sole_process)
        for orphan in orphans.order_by("created_at")
    )


def try_to_recover(orphan: Generation, *, even_unlapsed: bool = False) -> bool:
    """One that cannot be settled now, say of a locked wallet, keeps no other from it."""
    try:
        return recover(orphan, even_unlapsed=even_unlapsed)
    except DatabaseError:
        logger.exception("generation.unrecovered", generation=str(orphan.pk))
        return False


def recover_if_lapsed(generation_id: UUID) -> bool:
    """Whether this call settled that generation: not when its lease is good, or as `recover`."""
    lapsed = Generation.objects.lapsed().filter(pk=generation_id).first()
    return lapsed is not None and recover(lapsed)


def recover(orphan: Generation, *, even_unlapsed: bool = False) -> bool:
    """Settle it; False when its owner renewed the lease or finished, or when another was faster."""
    fence: dict[str, object] = {"owner": orphan.owner}
    if not even_unlapsed:
        fence["lease_expires_at"] = orphan.lease_expires_at  # another value: its owner lives
    settled = finish_generation(
        generation_id=orphan.pk,
        chat_id=orphan.chat_id,
        outcome=Outcome(Generation.Status.INTERRUPTED, error_code="interrupted"),
        **fence,
    )
    if settled:
        logger.info("generation.recovered", generation=str(orphan.pk), owner=orphan.owner)
    return settled is not None
