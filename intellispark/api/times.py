"""Times as the API writes them."""

from datetime import UTC, datetime


def isoformat(time: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the microsecond."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
