"""Who is writing: this process's name on the rows of its generations, and for how long."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta
from functools import cache

from django.utils import timezone

LEASE_SECS = 30
RENEW_SECS = 10  # two renewals may fail before somebody else takes the row


def owner() -> str:
    """This process, in a name that no other process ever had."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:  # by process id, so that a fork gets a name of its own
    return f"{pid}-{uuid.uuid4().hex[:16]}"


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECS)
