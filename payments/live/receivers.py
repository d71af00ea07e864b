"""Every new entry of the ledger becomes a frame for its person's open pages."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from intellispark.realtime.publish import publish_on_commit
from payments.ledger.models import LedgerEntry
from payments.live.frames import changed_frame


@receiver(post_save, sender=LedgerEntry)
def publish_entry(instance: LedgerEntry, **kwargs: Any) -> None:
    """Every entry, whoever wrote it, reaches all the person's open pages after its commit."""
    publish_on_commit(instance.wallet_id, changed_frame(instance))
