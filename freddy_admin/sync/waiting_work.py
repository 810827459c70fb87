"""The worker's queues: how much waits in each, since when, and how much is under way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, QuerySet

from freddy_admin.core import clock
from freddy_admin.core.tasks import QueueName
from freddy_admin.sync.candidates.import_rows import import_rows_waiting
from freddy_admin.sync.candidates.verification import candidates_waiting
from freddy_admin.sync.catalog.fetch_leases import catalogs_requested
from freddy_admin.sync.checks.leases import due_statuses, requested_statuses
from freddy_admin.sync.models import CatalogSnapshot, RemoteOperation, SyncStatus
from freddy_admin.sync.models.operations import OperationState
from freddy_admin.sync.operations.remote_call import operations_queued
from freddy_admin.vault.models import ImportDraftRow, KeyCandidate

# Something that people asked for begins within one call's time, a sync within a few minutes.
_LATE_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """How much of one queue waits, and is under way; `since` is None where nothing waits."""

    queue: QueueName
    count: int
    since: datetime | None
    running: int

    def is_late(self, now: datetime) -> bool:
        """Whether people have waited for so long that somebody should look into it.

        For checks on schedule nobody waits: their keys show for themselves how old they are.
        """
        is_asked_for = self.queue is not QueueName.CHECKS
        return is_asked_for and self.since is not None and now - self.since > _LATE_AFTER


def waiting_work_list() -> list[WaitingWork]:
    """All queues that call Aitronos, in the order of the worker; two queries each."""
    now = clock.now()
    # What is tried again on its own every hour was asked for long ago: nobody waits for it.
    asked_candidates = candidates_waiting(now).filter(retries_hourly=False)
    leased_keys = SyncStatus.objects.filter(lease_token__gt="", lease_until__gt=now)
    return [
        _waiting_work(
            QueueName.CHECK_REQUESTS,
            requested_statuses(now),
            "requested_at",
            leased_keys.filter(requested_at__isnull=False),
        ),
        _waiting_work(
            QueueName.CANDIDATES,
            asked_candidates,
            "created_at",
            KeyCandidate.objects.filter(lease_until__gt=now),
        ),
        _waiting_work(
            QueueName.IMPORT_ROWS,
            import_rows_waiting(now),
            "draft__created_at",
            ImportDraftRow.objects.filter(lease_until__gt=now),
        ),
        _waiting_work(
            QueueName.OPERATIONS,
            operations_queued(now),
            "requested_at",
            RemoteOperation.objects.filter(state=OperationState.SENDING, lease_until__gt=now),
        ),
        _waiting_work(
            QueueName.CATALOGS,
            catalogs_requested(now),
            "refresh_requested_at",
            CatalogSnapshot.objects.filter(lease_until__gt=now),
        ),
        _waiting_work(
            QueueName.CHECKS,
            due_statuses(now).filter(requested_at=None),
            "next_check_at",
            leased_keys.filter(requested_at=None),
        ),
    ]


def _waiting_work(
    queue: QueueName, rows: QuerySet[Any], since: str, running: QuerySet[Any]
) -> WaitingWork:
    totals = rows.order_by().aggregate(count=Count("pk"), since=Min(since))
    return WaitingWork(queue, totals["count"], totals["since"], running.count())
