"""Reads sync statuses to be checked and writes them back: many rows in one statement.

Of nearly sixty columns a check changes a dozen, and only those are written. Django's readying of
the others for the database, and of each moment that is read, cost more than the check itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from freddy_admin.sync.models import SyncStatus

_META = SyncStatus._meta  # noqa: SLF001  Django's documented meta API
_PLAIN_TYPES = frozenset({str, int, float, type(None)})
_FIELDS = {field.attname: field for field in _META.concrete_fields}


@dataclass(slots=True)
class SyncStatusBulkUpdate:
    """Rows that are being changed; call it inside a transaction."""

    _locked: list[tuple[SyncStatus, tuple[Any, ...]]] = field(default_factory=list)

    def lock(self, key_ids: Collection[int]) -> list[SyncStatus]:
        """The rows of these keys, locked and as the database has them; in no order."""
        quote_name = connection.ops.quote_name
        columns = ", ".join(quote_name(str(field.column)) for field in _FIELDS.values())
        placeholders = ", ".join(["%s"] * len(key_ids))
        sql = (
            f"SELECT {columns} FROM {quote_name(_META.db_table)} "  # noqa: S608  # nosec B608
            f"WHERE {quote_name(str(_META.pk.column))} IN ({placeholders})"
        )
        if connection.features.has_select_for_update:
            sql += f" {connection.ops.for_update_sql()}"
        with connection.cursor() as cursor:
            cursor.execute(sql, list(key_ids))
            read_rows = [tuple(map(moment_from_database, values)) for values in cursor.fetchall()]
        names, alias = list(_FIELDS), connection.alias
        rows = [(SyncStatus.from_db(alias, names, values), values) for values in read_rows]
        self._locked += rows
        return [row for row, _values in rows]

    def save(self) -> None:
        """Write the fields that were changed in any of the rows, in each that was changed."""
        changed_names, changed_rows = set[str](), []
        for row, values in self._locked:
            names = [
                name
                for name, former in zip(_FIELDS, values, strict=True)
                if (value := row.__dict__[name]) is not former and value != former
            ]
            if names:
                changed_names.update(names)
                changed_rows.append(row)
        if not changed_rows:
            return
        names, adapt = sorted(changed_names), connection.ops.adapt_datetimefield_value
        quote_name = connection.ops.quote_name
        columns = ", ".join(f"{quote_name(str(_FIELDS[name].column))} = %s" for name in names)
        table, key = quote_name(_META.db_table), quote_name(str(_META.pk.column))
        with connection.cursor() as cursor:
            cursor.executemany(
                # Names of our own model; what came from outside is bound.
                f"UPDATE {table} SET {columns} WHERE {key} = %s",  # noqa: S608  # nosec B608
                [
                    (*(_database_value(name, row.__dict__[name], adapt) for name in names), row.pk)
                    for row in changed_rows
                ],
            )


def moment_from_database(value: Any) -> Any:
    """A moment as Django reads it, from what a cursor brought; any other value as it is."""
    if type(value) is datetime and value.tzinfo is None:
        return value.replace(tzinfo=UTC)  # SQLite's
    return value


def _database_value(name: str, value: Any, adapt: Callable[[datetime], Any]) -> Any:
    # What their fields do to such values beside takes longer than the rest.
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, datetime):
        return adapt(value)
    return _FIELDS[name].get_db_prep_save(value, connection)
