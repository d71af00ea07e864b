"""Generations whose process is gone: their tokens come back, their text stays."""

from __future__ import annotations

from typing import Any

import structlog

from chat.replies.lease import owner
from chat.replies.models import Generation
from chat.replies.settle import Outcome, finish_generation

logger = structlog.get_logger(__name__)


def recover_orphans(*, sole_process: bool = False) -> int:
    """How many running generations were found abandoned and settled as interrupted.

    Those whose lease has lapsed; for a process that is known to be the only one (`sole_process`)
    all that are not its own. Safe when several do this at once, and against a late finisher.
    """
    running = Generation.objects.running()
    orphans = running.exclude(owner=owner()) if sole_process else Generation.objects.lapsed()
    return sum(
        recover(orphan, even_unlapsed=sole_process) for orphan in orphans.order_by("created_at")
    )


def recover(orphan: Generation, *, even_unlapsed: bool = False) -> bool:
    """Whether this call settled it: not when its owner renewed, finished, or another was faster."""
    fence: dict[str, Any] = {"owner": orphan.owner}
    if not even_unlapsed:
        fence["lease_expires_at"] = orphan.lease_expires_at  # renewed since: somebody lives
    settled = finish_generation(
        generation_id=orphan.pk,
        chat_id=orphan.chat_id,
        outcome=Outcome(Generation.Status.INTERRUPTED, error_code="interrupted"),
        **fence,
    )
    if settled:
        logger.info("generation.recovered", generation=str(orphan.pk), owner=orphan.owner)
    return settled is not None
