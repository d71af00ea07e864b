"""Publishes each new ledger entry to its person's open pages."""

from __future__ import annotations

from django.db.models.signals import post_save
from django.dispatch import receiver

from intellispark.realtime.publish import publish_on_commit
from payments.ledger.models import LedgerEntry
from payments.live.frames import changed_frame


@receiver(post_save, sender=LedgerEntry)
def publish_entry(instance: LedgerEntry, **kwargs: object) -> None:
    """After the commit, send the entry's frame to all the person's open pages."""
    publish_on_commit(instance.wallet_id, changed_frame(instance))
