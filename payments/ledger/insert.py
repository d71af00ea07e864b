"""Writes a new ledger entry: what `Model.save()` does for it, without what makes that slow.

The ORM builds the same INSERT anew for every row, and that Python costs more than the database's
work. Here the statement is made once for each engine, from the model's own fields, and stays
prepared; the row, the errors and the signals are those of `save()`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_save, pre_save

from payments.ledger.prepared import fetch_one

if TYPE_CHECKING:
    from payments.ledger.models import LedgerEntry

# SQLite triggers cannot assign columns, so there the INSERT computes them and its trigger demands
# that they match: exact, because SQLite has one writer. Each takes the wallet's id last.
_OF_WALLET = "(SELECT {} FROM payments_wallet WHERE user_id = %s)"
COMPUTED_ON_SQLITE = {
    "version": (_OF_WALLET.format("version + 1"), ["wallet"]),
    "epoch": (_OF_WALLET.format("epoch"), ["wallet"]),
    "balance_after": (_OF_WALLET.format("balance + %s"), ["amount", "wallet"]),
    "held_after": (_OF_WALLET.format("held + %s"), ["held_change", "wallet"]),
}

# How a connection prepares a field's values is seen from one of them.
EXAMPLES: dict[type[models.Field[Any, Any]], Any] = {
    models.CharField: "",
    models.TextField: "",
    models.IntegerField: 0,
    models.UUIDField: UUID(int=0),
}

# An attribute, the type whose values need no more than to be wrapped, the type to wrap them in, and
# what prepares all others: an id or a date may be given as text too.
_Given = tuple[str, type, type | None, Callable[[Any, Any], Any]]
# An attribute and its column, by which a connection knows how to turn a value into Python's.
_Returned = tuple[str, Any]


def insert(entry: LedgerEntry, using: str) -> None:
    """One INSERT; afterwards the instance has the columns that the database computed."""
    model, connection = type(entry), connections[using]
    sql, given, returned = _statement(model, using)
    entry._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]
    signal: dict[str, Any] = {
        "sender": model,
        "instance": entry,
        "raw": False,
        "using": using,
        "update_fields": None,
    }
    pre_save.send(**signal)
    values = entry.__dict__  # a new entry has all its columns
    params = []
    for name, plain, wrap, prepare in given:
        value = values[name]
        if value is not None:
            if type(value) is not plain:
                value = prepare(value, connection)
            elif wrap:
                value = wrap(value)
        params.append(value)
    with transaction.mark_for_rollback_on_error(using):
        row = fetch_one(connection, sql, params)
    for (name, column), value in zip(returned, row, strict=True):
        for convert in connection.ops.get_db_converters(column):
            value = convert(value, None, connection)
        values[name] = value
    entry._state.db, entry._state.adding = using, False
    post_save.send(created=True, **signal)


@cache
def _statement(model: type[LedgerEntry], using: str) -> tuple[str, list[_Given], list[_Returned]]:
    """The INSERT, whence each parameter comes, and what it returns."""
    connection = connections[using]
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    returned = [
        field
        for field in fields.values()
        if field.primary_key or field.db_default is not models.NOT_PROVIDED
    ]
    given = [field for field in fields.values() if field not in returned]
    columns, values = [field.column for field in given], ["%s"] * len(given)
    if connection.vendor == "sqlite":
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
    return (
        sql,
        [(field.attname, *_plain(field, connection), field.get_db_prep_save) for field in given],
        [(field.attname, field.get_col(model._meta.db_table)) for field in returned],
    )


def _plain(field: Any, connection: BaseDatabaseWrapper) -> tuple[type, type | None]:
    """The type whose values need no preparation but a wrapper; NoneType if there is none."""
    while field.is_relation:  # a wallet's key is its user, whose key is an id
        field = field.target_field
    for kind, example in EXAMPLES.items():
        if isinstance(field, kind):
            plain, prepared = type(example), type(field.get_db_prep_save(example, connection))
            if issubclass(prepared, plain):  # psycopg has a subclass of int for each column type
                return plain, None if prepared is plain else prepared
    return NoneType, None
