"""Events of a key's history as the selectors hand them over, made without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import EventKind

AT = datetime(2026, 11, 23, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
XSS = '"><script>alert(1)</script>'


def timeline_entry(
    kind: EventKind,
    details: Any,
    *,
    by: str = "",
    until: datetime | None = None,
    noticed: timedelta = 0 * MINUTE,
) -> TimelineEntry:
    return TimelineEntry(
        id=1,
        kind=kind,
        at=AT,
        noticed_at=AT + noticed,
        until=until,
        actor_name=by,
        details=details,
        key_id=1,
        key_label="Main",
    )


def iso_time(hour: int, day: int = 23) -> str:
    return f"2026-11-{day:02}T{hour:02}:00:00Z"
