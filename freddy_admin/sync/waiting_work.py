"""What people asked for and no worker has begun: how much waits in each queue, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, QuerySet

from freddy_admin.core import clock
from freddy_admin.core.tasks import QueueName
from freddy_admin.sync.candidates.import_rows import import_rows_waiting
from freddy_admin.sync.candidates.verification import candidates_waiting
from freddy_admin.sync.catalog.fetch_leases import catalogs_requested
from freddy_admin.sync.checks.leases import requested_statuses
from freddy_admin.sync.operations.remote_call import operations_queued

# Something that people asked for begins within one call's time, a sync within a few minutes.
_LATE_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """How much waits in one queue; `since` is None where nothing does."""

    queue: QueueName
    count: int
    since: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Whether the longest waiting has waited for so long that somebody should look into it."""
        return self.since is not None and now - self.since > _LATE_AFTER


def waiting_work_list() -> list[WaitingWork]:
    """The queues of what people ask for, in the order of the worker; five queries."""
    now = clock.now()
    # What is tried again on its own every hour was asked for long ago: nobody waits for it.
    asked_candidates = candidates_waiting(now).filter(retries_hourly=False)
    return [
        _waiting_work(QueueName.CHECK_REQUESTS, requested_statuses(now), "requested_at"),
        _waiting_work(QueueName.CANDIDATES, asked_candidates, "created_at"),
        _waiting_work(QueueName.IMPORT_ROWS, import_rows_waiting(now), "draft__created_at"),
        _waiting_work(QueueName.OPERATIONS, operations_queued(now), "requested_at"),
        _waiting_work(QueueName.CATALOGS, catalogs_requested(now), "refresh_requested_at"),
    ]


def _waiting_work(queue: QueueName, rows: QuerySet[Any], since: str) -> WaitingWork:
    totals = rows.order_by().aggregate(count=Count("pk"), since=Min(since))
    return WaitingWork(queue, totals["count"], totals["since"])
