"""Lets old history go, a small batch at a time: no page ever waits for it."""

from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.core.clock_guard import deletion_now, history_cutoff
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, Order, OrderBatch
from freddy_admin.sync.models.orders import UNFINISHED

BATCH = 500


def history_prune() -> int:
    """Delete what is older than `HISTORY_DAYS` among the oldest rows of each kind; how many.

    Nothing while the clocks disagree, and at most two days' share an hour: after the setting was
    lowered, old history goes bit by bit. A span of failing checks that is not over stays, however
    long ago it began. Nothing needs a row before the window it shows: each event says what it
    changed from.
    """
    now = deletion_now()
    if now is None:
        return 0
    # Rows of a day when our clock was far ahead must not stand before the others for years.
    kinds = [(rows.filter(**{f"{time}__lte": now}), time) for rows, time in _kinds()]
    wanted = now - timedelta(days=settings.HISTORY_DAYS)
    before = history_cutoff(wanted=wanted, now=now, oldest=lambda: _oldest(kinds))
    return sum(_oldest_go(rows, time, before) for rows, time in kinds)


Kind = tuple[QuerySet[Any], str]


def _kinds() -> list[Kind]:
    return [
        (HistoryEvent.objects.exclude(kind=EventKind.CHECK_FAILED, until=None), "at"),
        (CheckRun.objects.all(), "last_at"),
        (Order.objects.exclude(state__in=UNFINISHED), "requested_at"),
        (OrderBatch.objects.filter(orders=None), "created_at"),
    ]


def _first(rows: QuerySet[Any], time: str) -> list[tuple[Any, datetime]]:
    # Rows are added as time passes, so the first ones are the oldest: no index on their age is
    # kept for this, and a look that finds nothing reads `BATCH` rows at most.
    return list(rows.order_by(_ADDED.get(rows.model, "pk")).values_list("pk", time)[:BATCH])


def _oldest(kinds: list[Kind]) -> datetime | None:
    first = chain.from_iterable(_first(rows, time) for rows, time in kinds)
    return min((at for _pk, at in first), default=None)


def _oldest_go(rows: QuerySet[Any], time: str, before: datetime) -> int:
    with transaction.atomic():
        old = [pk for pk, at in _first(rows, time) if at < before]
        if old:
            rows.model.objects.filter(pk__in=old).delete()
        return len(old)


_ADDED: dict[Any, str] = {OrderBatch: "created_at"}
