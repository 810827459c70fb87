"""Deletes old history, a small batch at a time: no page ever waits for it."""

from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.core.clock_skew import history_prune_cutoff_advance, trusted_now
from freddy_admin.sync.models import (
    CheckRun,
    EventKind,
    HistoryEvent,
    OperationBatch,
    RemoteOperation,
)
from freddy_admin.sync.models.operations import UNFINISHED_STATES

BATCH_SIZE = 500


def history_prune() -> int:
    """Delete rows older than `HISTORY_DAYS` among the oldest of each model; returns how many.

    Nothing while the clocks disagree, and at most two days' share an hour: after the setting was
    lowered, old history is deleted bit by bit. A span of failing checks that is not over stays,
    however long ago it began. No window needs a row from before it: each event says what it
    changed from.
    """
    now = trusted_now()
    if now is None:
        return 0
    # Rows of a day when our clock was far ahead must not stand before the others for years.
    prunable = [(rows.filter(**{f"{time}__lte": now}), time) for rows, time in _prunable_rows()]
    target = now - timedelta(days=settings.HISTORY_DAYS)
    cutoff = history_prune_cutoff_advance(
        target=target, now=now, get_oldest=lambda: _oldest_row_time(prunable)
    )
    return sum(_delete_oldest_rows(rows, time, cutoff) for rows, time in prunable)


# The rows, and the name of their time column.
PrunableRows = tuple[QuerySet[Any], str]


def _prunable_rows() -> list[PrunableRows]:
    return [
        (HistoryEvent.objects.exclude(kind=EventKind.CHECK_FAILED, until=None), "at"),
        (CheckRun.objects.all(), "last_at"),
        (RemoteOperation.objects.exclude(state__in=UNFINISHED_STATES), "requested_at"),
        (OperationBatch.objects.filter(operations=None), "created_at"),
    ]


def _list_oldest_rows(rows: QuerySet[Any], time: str) -> list[tuple[Any, datetime]]:
    # Rows are added as time passes, so the first ones are the oldest: no index on their age is
    # kept for this, and a run that deletes nothing reads `BATCH_SIZE` rows at most.
    return list(
        rows.order_by(_INSERTION_ORDER_FIELD.get(rows.model, "pk")).values_list("pk", time)[
            :BATCH_SIZE
        ]
    )


def _oldest_row_time(prunable: list[PrunableRows]) -> datetime | None:
    oldest = chain.from_iterable(_list_oldest_rows(rows, time) for rows, time in prunable)
    return min((at for _pk, at in oldest), default=None)


def _delete_oldest_rows(rows: QuerySet[Any], time: str, cutoff: datetime) -> int:
    with transaction.atomic():
        old_ids = [pk for pk, at in _list_oldest_rows(rows, time) if at < cutoff]
        if old_ids:
            rows.model.objects.filter(pk__in=old_ids).delete()
        return len(old_ids)


_INSERTION_ORDER_FIELD: dict[Any, str] = {OperationBatch: "created_at"}
