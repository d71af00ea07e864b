"""Suspending people, and letting them back in."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from intellispark.accounts.models import User


def suspend(*, user: User) -> bool:
    """Keep the person out, everywhere and at once. False when they were suspended already."""
    with transaction.atomic():
        row = _lock(user)
        if row.is_suspended:
            return False
        user.suspended_at = row.suspended_at = timezone.now()
        row.save(update_fields=["suspended_at"])
    return True


def lift_suspension(*, user: User) -> bool:
    """Let the person back in; they sign in anew. False when they were not suspended.

    The epoch rises here and not with the suspension: while that lasts, their sessions still have
    to be recognised, to be told why they are refused.
    """
    with transaction.atomic():
        row = _lock(user)
        if not row.is_suspended:
            return False
        user.suspended_at = row.suspended_at = None
        user.auth_epoch = row.auth_epoch = row.auth_epoch + 1
        row.save(update_fields=["suspended_at", "auth_epoch"])
    return True


def _lock(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)
