"""Suspending people, and letting them back in."""

from __future__ import annotations

from django.utils import timezone

from intellispark.accounts.models import User


def suspend(*, user: User) -> bool:
    """Suspend the person everywhere, at once. False when they were suspended already."""
    if user.is_suspended:
        return False
    user.suspended_at = timezone.now()
    user.save(update_fields=["suspended_at"])
    return True


def lift_suspension(*, user: User) -> bool:
    """Let the person sign in again. False when they were not suspended."""
    if not user.is_suspended:
        return False
    user.suspended_at = None
    user.save(update_fields=["suspended_at"])
    return True
