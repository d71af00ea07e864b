"""Finds rows by an id that a client sent."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from intellispark.api.errors import NotFound

M = TypeVar("M", bound=Model)


def get_by_id(rows: QuerySet[M], pk: UUID | str) -> M:
    """The row of that id: one query. Raises NotFound, for malformed ids too."""
    try:
        found = rows.filter(pk=UUID(str(pk))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    return found
