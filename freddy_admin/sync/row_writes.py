"""Writes rows of checks back: what changed and nothing else, many rows in one statement.

Of nearly sixty columns a check changes a dozen. Readying the others for the database cost more
than the check itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.db import connection

from freddy_admin.sync.models import KeySync

_FIELDS = {
    field.attname: field
    for field in KeySync._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if not field.primary_key
}
_values = attrgetter(*_FIELDS)


@dataclass(slots=True)
class Drafts:
    """Rows that are being changed; each is `keep`t as it was read, before anything is."""

    _kept: list[tuple[KeySync, tuple[Any, ...]]] = field(default_factory=list)

    def keep(self, row: KeySync) -> None:
        """`row` is as the database has it, and locked."""
        self._kept.append((row, _values(row)))

    def write(self) -> None:
        """Write what has changed since; call inside the transaction that locked the rows."""
        changed = self._changed()
        if not changed:
            return
        quoted = connection.ops.quote_name
        columns = ", ".join(f"{quoted(str(_FIELDS[name].column))} = %s" for name in changed)
        table, key = quoted(KeySync._meta.db_table), quoted(str(KeySync._meta.pk.column))  # noqa: SLF001
        with connection.cursor() as cursor:
            cursor.executemany(
                # Names of our own model; what came from outside is bound.
                f"UPDATE {table} SET {columns} WHERE {key} = %s",  # noqa: S608  # nosec B608
                [(*_ready(row, changed), row.pk) for row, _ in self._kept],
            )

    def _changed(self) -> Sequence[str]:
        """The names of what any of the rows has otherwise than it was read."""
        changed = set[str]()
        for row, before in self._kept:
            pairs = zip(_FIELDS, before, _values(row), strict=True)
            changed.update(name for name, was, now in pairs if was is not now and was != now)
        return [name for name in _FIELDS if name in changed]


def _ready(row: KeySync, names: Sequence[str]) -> list[Any]:
    """As the database takes them: cleaned by their fields, as in a save."""
    return [_FIELDS[name].get_db_prep_save(getattr(row, name), connection) for name in names]
