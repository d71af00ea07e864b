"""Who is writing: this process's name on the rows of its generations, and for how long."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta

from django.utils import timezone

LEASE_SECS = 30
RENEW_SECS = 10  # two renewals may fail before somebody else takes the row
# Made as the module is loaded: of threads that ask first at the same moment, each would make one,
# and all but one generation would have an owner that nobody is.
_name = uuid.uuid4().hex[:16]


def owner() -> str:
    """This process, in a name that no other process ever had; a fork has one of its own."""
    return f"{os.getpid()}-{_name}"


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECS)
