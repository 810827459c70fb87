"""Many rows, a batch at a time, each by a statement of its own.

`.iterator()` keeps one statement open until the last row is read: on SQLite that holds a read of
the whole database, and on PostgreSQL without server-side cursors, as behind PgBouncer, all rows
are in memory at once.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, QuerySet

BATCH_SIZE = 500


def values_in_batches(
    rows: QuerySet[Any], fields: tuple[str, ...] | list[str], *, by: str
) -> Iterator[dict[str, Any]]:
    """`.values(*fields)` of all rows, by the column `by` (never NULL) and then by their ids.

    A row that is added while this is read comes too if it stands further on.
    """
    place = Q()
    while True:
        batch = list(
            rows.filter(place)
            .order_by(by, "pk")
            .values(*fields, batch_by=F(by), batch_pk=F("pk"))[:BATCH_SIZE]
        )
        for row in batch:
            at, pk = row.pop("batch_by"), row.pop("batch_pk")
            yield row
        if len(batch) < BATCH_SIZE:
            return
        place = Q(**{f"{by}__gt": at}) | Q(**{by: at, "pk__gt": pk})
