"""What a year of history costs: its size must follow what changes, not how often we look."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

from benchmarks.measuring import line
from freddy_admin.aitronos.types import SyncStatus
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.telling import Telling, telling_store
from freddy_admin.sync.lifecycle import keys_watch
from freddy_admin.sync.models import CheckRun, HistoryEvent, KeySync, Outcome
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.policy import Policy
from freddy_admin.sync.recording import record
from freddy_admin.vault.models import ApiKey

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR, HOUR = timedelta(days=365), timedelta(hours=1)
SPANS = Policy(fresh=timedelta(minutes=1), period=timedelta(minutes=5), lease=timedelta(minutes=1))
Report = Callable[[datetime], SyncStatus]


def quiet(now: datetime) -> SyncStatus:
    """Nothing ever changes: synced once, no plan."""
    del now
    return SyncStatus(42, 7, START - HOUR, None, 0, incremental_sync_enabled=False)


def hourly(now: datetime) -> SyncStatus:
    """Syncs every hour, ten to seventy seconds after it was due."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    if now < _synced(hour):
        hour -= HOUR
    return SyncStatus(42, 7, _synced(hour), hour + HOUR, 1, incremental_sync_enabled=True)


def _synced(due: datetime) -> datetime:
    return due + timedelta(seconds=10 + due.hour * 60 // 23)


def year_of_history() -> None:
    """Measure and report."""
    for what, report, goal in (
        ("quiet key", quiet, "goal under 100 kB"),
        ("key that syncs hourly", hourly, "goal under 5 MB"),
    ):
        checks, kilobytes, rows = _year(what, report)
        found = f"{kilobytes:9,.1f} kB"
        line(f"a year of a {what}, {checks:,} checks, {rows:,} rows", found, goal)


def _year(label: str, report: Report) -> tuple[int, float, int]:
    place = Organisation.objects.create(name=f"Year of a {label}", slug=label.replace(" ", "-"))
    key = ApiKey.objects.create(organisation=place, label=label, created_at=START)
    before, rows_before = _bytes(), _rows()
    keys_watch(keys=[key])
    row, telling, checks = KeySync.objects.get(pk=key.pk), Telling(), 0
    now = START
    while now < START + YEAR:
        checks += 1
        ended = Checked(key.pk, key.version, "", now, Outcome.GOOD, 12.0 + checks % 40, report(now))
        record(row, key, ended, spans=SPANS, telling=telling)
        if len(telling.events) > 500:
            telling_store(telling)
            telling = Telling()
        now = row.next_check_at
    telling_store(telling)
    row.save()
    kilobytes, rows = (_bytes() - before) / 1000, _rows() - rows_before
    place.delete()  # its key has no secret: nothing that is measured later is to meet it
    return checks, kilobytes, rows


def _rows() -> int:
    return HistoryEvent.objects.count() + CheckRun.objects.count()


def _bytes() -> int:
    tables = "sync_historyevent", "sync_checkrun", "sync_keysync"
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
