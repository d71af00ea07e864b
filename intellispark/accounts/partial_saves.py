"""Rows that are saved field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self

from django.db import models


class PartialSaves(models.Model):
    """`save()` writes what this copy changed since it was read, and nothing else.

    Django writes every column, so a copy that was read before somebody else's change would undo
    that change: a password form would lift a suspension, a late profile would bring back the name
    of a closed account. The admin, allauth and management commands call `save()` too, which is why
    the rule stands here and not at each call.
    """

    derived: ClassVar[dict[str, str]] = {}
    """Fields whose values follow from another's: they are written along with it."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[object], **kwargs: Any
    ) -> Self:
        instance = super().from_db(db, field_names, values, **kwargs)
        instance.__dict__["_read"] = dict(zip(field_names, values, strict=False))
        return instance

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using, fields, from_queryset)
        self._note_as_read(fields)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        if update_fields is None and not self._state.adding:
            update_fields = self._changed()
        if update_fields is not None:
            names = set(update_fields)
            update_fields = names | {self.derived[name] for name in names & self.derived.keys()}
        super().save(*args, update_fields=update_fields, **kwargs)
        self._note_as_read(update_fields)

    def _changed(self) -> list[str]:
        """The names of the fields that no longer hold what was read."""
        read: dict[str, object] = self.__dict__.get("_read", {})
        return [
            field.name
            for field in self._meta.concrete_fields
            if field.attname in self.__dict__
            and not field.primary_key
            and (field.attname not in read or self.__dict__[field.attname] != read[field.attname])
        ]

    def _note_as_read(self, names: Iterable[str] | None) -> None:
        """The database holds these fields (None: all) as this copy does."""
        read: dict[str, object] = self.__dict__.setdefault("_read", {})
        chosen = None if names is None else set(names)
        for field in self._meta.concrete_fields:
            here = chosen is None or not chosen.isdisjoint((field.name, field.attname))
            if here and field.attname in self.__dict__:
                read[field.attname] = self.__dict__[field.attname]
