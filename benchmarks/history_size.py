"""The size of a year of history, which must follow what changes, not the number of checks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

from benchmarks.timing import print_result
from freddy_admin.aitronos.types import SyncStatusResponse
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.policy import CheckPolicy
from freddy_admin.sync.checks.recording import check_result_apply
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.history.recorder import PendingHistory, pending_history_save
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import CheckOutcome, CheckRun, HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR, HOUR = timedelta(days=365), timedelta(hours=1)
CHECK_POLICY = CheckPolicy(
    fresh=timedelta(minutes=1), period=timedelta(minutes=5), lease=timedelta(minutes=1)
)
StatusFactory = Callable[[datetime], SyncStatusResponse]


def unchanged_status(now: datetime) -> SyncStatusResponse:
    """The response of a key that never changes: synced once, no schedule."""
    del now
    return SyncStatusResponse(42, 7, START - HOUR, None, 0, incremental_sync_enabled=False)


def hourly_synced_status(now: datetime) -> SyncStatusResponse:
    """The response of a key that syncs every hour, ten to seventy seconds late."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    if now < _synced_at(hour):
        hour -= HOUR
    return SyncStatusResponse(
        42, 7, _synced_at(hour), hour + HOUR, 1, incremental_sync_enabled=True
    )


def _synced_at(due: datetime) -> datetime:
    return due + timedelta(seconds=10 + due.hour * 60 // 23)


def measure_year_of_history() -> None:
    """Record a year of checks of two keys and print the size of their history."""
    for label, report, goal in (
        ("quiet key", unchanged_status, 100),
        ("key that syncs hourly", hourly_synced_status, 5_000),
    ):
        checks, kilobytes, rows = _record_year(label, report)
        result = f"{kilobytes:9,.1f} kB"
        print_result(
            f"a year of a {label}, {checks:,} checks, {rows:,} rows",
            result,
            f"goal {goal:,} kB",
            is_met=kilobytes <= goal,
        )


def _record_year(label: str, report: StatusFactory) -> tuple[int, float, int]:
    organisation = Organisation.objects.create(
        name=f"Year of a {label}", slug=label.replace(" ", "-")
    )
    key = ApiKey.objects.create(organisation=organisation, label=label, created_at=START)
    bytes_before, rows_before = _database_bytes(), _count_history_rows()
    key_monitoring_start(keys=[key])
    row, pending_history, checks = SyncStatus.objects.get(pk=key.pk), PendingHistory(), 0
    now = START
    while now < START + YEAR:
        checks += 1
        check_result = CheckResult(
            key.pk, key.version, "", now, CheckOutcome.GOOD, 12.0 + checks % 40, report(now)
        )
        check_result_apply(
            row, key, check_result, policy=CHECK_POLICY, pending_history=pending_history
        )
        if len(pending_history.events) > 500:
            pending_history_save(pending_history)
            pending_history = PendingHistory()
        now = row.next_check_at
    pending_history_save(pending_history)
    row.save()
    kilobytes, rows = (_database_bytes() - bytes_before) / 1000, _count_history_rows() - rows_before
    organisation.delete()  # its key has no secret, so later benchmarks must not check it
    return checks, kilobytes, rows


def _count_history_rows() -> int:
    return HistoryEvent.objects.count() + CheckRun.objects.count()


def _database_bytes() -> int:
    tables = "sync_historyevent", "sync_checkrun", "sync_syncstatus"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(pg_total_relation_size(one::regclass)) FROM unnest(%s::text[]) AS one",
                [list(tables)],
            )
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute("PRAGMA freelist_count")
        free = cursor.fetchone()[0]
        cursor.execute("PRAGMA page_size")
        return int((pages - free) * cursor.fetchone()[0])
