"""Fields of what the API answers."""

from __future__ import annotations

from datetime import datetime

from rest_framework import serializers

from intellispark.api.times import isoformat


class TimeField(serializers.DateTimeField):
    """ISO 8601 in UTC with `Z`."""

    def to_representation(self, value: datetime) -> str:
        return isoformat(value)
