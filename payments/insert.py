"""Writes a new ledger entry: what `Model.save()` does for it, without what makes that slow.

The ORM builds the same INSERT anew for every row, and that Python costs more than the database's
work. Here the statement is made once for each engine, from the model's own fields, and stays
prepared; the row, the errors and the signals are those of `save()`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction
from django.db.models.signals import post_save, pre_save

from payments.prepared import fetch_one

if TYPE_CHECKING:
    from payments.models import LedgerEntry

# SQLite triggers cannot assign columns, so there the INSERT computes them and its trigger demands
# that they match: exact, because SQLite has one writer. Each takes the wallet's id last.
_OF_WALLET = "(SELECT {} FROM payments_wallet WHERE user_id = %s)"
COMPUTED_ON_SQLITE = {
    "version": (_OF_WALLET.format("version + 1"), ["wallet"]),
    "epoch": (_OF_WALLET.format("epoch"), ["wallet"]),
    "balance_after": (_OF_WALLET.format("balance + %s"), ["amount", "wallet"]),
    "held_after": (_OF_WALLET.format("held + %s"), ["held_change", "wallet"]),
}

# An attribute, whether it holds text (which goes down as it is), and what prepares all else: an id
# or a date may be given as text too, and is none.
_Given = tuple[str, bool, Callable[[Any, Any], Any]]


def insert(entry: LedgerEntry, using: str) -> None:
    """One INSERT; afterwards the instance has the columns that the database computed."""
    model, connection = type(entry), connections[using]
    sql, given, returned = _statement(model, connection.vendor)
    entry._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]
    signal: dict[str, Any] = {
        "sender": model,
        "instance": entry,
        "raw": False,
        "using": using,
        "update_fields": None,
    }
    pre_save.send(**signal)
    params = []
    for name, is_text, prepare in given:
        value = getattr(entry, name)
        if value is not None and not (is_text and type(value) is str):
            value = prepare(value, connection)
        params.append(value)
    with transaction.mark_for_rollback_on_error(using):
        row = fetch_one(connection, sql, params)
    for field, value in zip(returned, row, strict=True):
        for convert in connection.ops.get_db_converters(_column(field)):
            value = convert(value, None, connection)
        setattr(entry, field.attname, value)
    entry._state.db, entry._state.adding = using, False
    post_save.send(created=True, **signal)


@cache
def _statement(model: type[LedgerEntry], vendor: str) -> tuple[str, list[_Given], list[Any]]:
    """The INSERT, whence each parameter comes, and the fields that it returns."""
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    returned = [
        field
        for field in fields.values()
        if field.primary_key or field.db_default is not models.NOT_PROVIDED
    ]
    given = [field for field in fields.values() if field not in returned]
    columns, values = [field.column for field in given], ["%s"] * len(given)
    if vendor == "sqlite":
        for name, (expression, params) in COMPUTED_ON_SQLITE.items():
            columns.append(fields[name].column)
            values.append(expression)
            given += [fields[param] for param in params]
    sql = "INSERT INTO {} ({}) VALUES ({}) RETURNING {}".format(  # noqa: S608  constants
        model._meta.db_table,
        ", ".join(f'"{column}"' for column in columns),
        ", ".join(values),
        ", ".join(f'"{field.column}"' for field in returned),
    )
    return sql, [_given(field) for field in given], returned


def _given(field: Any) -> _Given:
    is_text = isinstance(field, models.CharField | models.TextField)
    return field.attname, is_text, field.get_db_prep_save


@cache
def _column(field: models.Field[Any, Any]) -> Any:
    return field.get_col(field.model._meta.db_table)
