"""Finds rows by an id that a client sent."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet

from intellispark.api.errors import NotFound

M = TypeVar("M", bound=Model)


def get_by_id(rows: QuerySet[M], pk: UUID | str) -> M:
    """The row of that id: one query. Raises NotFound, for malformed ids too."""
    try:
        return rows.get(pk=UUID(str(pk)))
    except (ValueError, ObjectDoesNotExist):
        raise NotFound from None
