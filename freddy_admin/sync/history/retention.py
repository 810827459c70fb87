"""Lets old history go, a small batch at a time: no page ever waits for it."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, Order, OrderBatch
from freddy_admin.sync.models.orders import UNFINISHED

BATCH = 500


def history_prune(*, now: datetime) -> int:
    """Delete what is older than `HISTORY_DAYS` among the oldest rows of each kind; how many.

    A span of failing checks that is not over stays, however long ago it began. Nothing needs a
    row before the window it shows: each event says what it changed from.
    """
    before = now - timedelta(days=settings.HISTORY_DAYS)
    events = HistoryEvent.objects.exclude(kind=EventKind.CHECK_FAILED, until=None)
    return (
        _oldest_go(events, "at", before, now)
        + _oldest_go(CheckRun.objects.all(), "last_at", before, now)
        + _oldest_go(Order.objects.exclude(state__in=UNFINISHED), "requested_at", before, now)
        + _oldest_go(OrderBatch.objects.filter(orders=None), "created_at", before, now)
    )


def _oldest_go(rows: QuerySet[Any], time: str, before: datetime, now: datetime) -> int:
    # Rows are added as time passes, so the first ones are the oldest: no index on their age is
    # kept for this, and a look that finds nothing reads `BATCH` rows at most.
    # Those of a day when our clock was far ahead must not stand before them for years.
    rows = rows.filter(**{f"{time}__lte": now})
    with transaction.atomic():
        first = rows.order_by(_ADDED.get(rows.model, "pk")).values_list("pk", time)[:BATCH]
        old = [pk for pk, at in first if at < before]
        if old:
            rows.model.objects.filter(pk__in=old).delete()
        return len(old)


_ADDED: dict[Any, str] = {OrderBatch: "created_at"}
