"""Writes checked sync statuses back: the changed columns alone, many rows in one statement.

Of nearly sixty columns a check changes a dozen. Readying the others for the database cost more
than the check itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection

from freddy_admin.sync.models import SyncStatus

_FIELDS = {
    field.attname: field
    for field in SyncStatus._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if not field.primary_key
}
_field_values = attrgetter(*_FIELDS)


@dataclass(slots=True)
class SyncStatusBulkUpdate:
    """Rows that are being changed; each goes through `track` as it was read."""

    _tracked: list[tuple[SyncStatus, tuple[Any, ...]]] = field(default_factory=list)

    def track(self, row: SyncStatus) -> None:
        """Remember the values of `row`, which is locked and as the database has it."""
        self._tracked.append((row, _field_values(row)))

    def save(self) -> None:
        """Write the changed fields of all rows; call inside the transaction that locked them."""
        changed_fields = self._changed_fields()
        if not changed_fields:
            return
        quote_name = connection.ops.quote_name
        columns = ", ".join(
            f"{quote_name(str(_FIELDS[name].column))} = %s" for name in changed_fields
        )
        meta = SyncStatus._meta  # noqa: SLF001  Django's documented meta API
        table, key = quote_name(meta.db_table), quote_name(str(meta.pk.column))
        with connection.cursor() as cursor:
            cursor.executemany(
                # Names of our own model; what came from outside is bound.
                f"UPDATE {table} SET {columns} WHERE {key} = %s",  # noqa: S608  # nosec B608
                [(*_database_values(row, changed_fields), row.pk) for row, _ in self._tracked],
            )

    def _changed_fields(self) -> Sequence[str]:
        """The names of the fields that differ from what was read, in any of the rows."""
        changed = set[str]()
        for row, previous_values in self._tracked:
            pairs = zip(_FIELDS, previous_values, _field_values(row), strict=True)
            changed.update(
                name
                for name, previous, current in pairs
                if previous is not current and previous != current
            )
        return [name for name in _FIELDS if name in changed]


def _database_values(row: SyncStatus, names: Sequence[str]) -> list[Any]:
    """The values of these fields, prepared for the database as `Model.save` does."""
    return [_database_value(name, getattr(row, name)) for name in names]


def _database_value(name: str, value: Any) -> Any:
    # Most are moments and texts: what their fields do to them beside takes longer than the rest.
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if value is None or type(value) is str:
        return value
    return _FIELDS[name].get_db_prep_save(value, connection)
