"""Which process writes a generation (`owner`), and until when it may without renewing.

A lease is given and looked at by the database's clock: that of a machine may be wrong.
"""

from __future__ import annotations

import os
import uuid
from datetime import timedelta

from django.db.models.expressions import Combinable

from intellispark.db import from_now

LEASE_SECS = 30
RENEW_SECS = 10  # two renewals may fail before somebody else takes the row
# Made when the module loads: if threads made it on first use, two could make two names at the same
# moment, and some generations would have an owner that does not exist.
_name = uuid.uuid4().hex[:16]


def owner() -> str:
    """A name of this process that no other process ever has; a fork has its own."""
    return f"{os.getpid()}-{_name}"


def lease_end() -> Combinable:
    """For a query: when a lease ends that is given or renewed now."""
    return from_now(timedelta(seconds=LEASE_SECS))
