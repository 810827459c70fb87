"""Pages of history, newest first, for the JSON API: a cursor stays valid as events are added."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.timeline import (
    ENTRY_COLUMNS,
    TimelineEntry,
    TimelineFilters,
    timeline_entry_from_values,
    timeline_events,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Up to the year 2286; the ids are what a database takes.
TIMELINE_CURSOR_PATTERN = "^[0-9]{1,16}-[0-9]{1,18}$"


@dataclass(frozen=True, slots=True)
class TimelineCursor:
    """The last event of a page: the next page holds the events older than it."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}-{self.id}"


def parse_timeline_cursor(text: str) -> TimelineCursor:
    """The cursor from its `str`; the text must match `TIMELINE_CURSOR_PATTERN`."""
    microseconds, event_id = text.split("-")
    return TimelineCursor(_EPOCH + int(microseconds) * _MICROSECOND, int(event_id))


def timeline_entries_before(
    *,
    organisation: Organisation,
    filters: TimelineFilters,
    before: TimelineCursor | None,
    limit: int,
) -> tuple[list[TimelineEntry], TimelineCursor | None]:
    """Up to `limit` events, newest first, and the cursor of the next page; None at the end.

    One query.
    """
    events = timeline_events(organisation=organisation, filters=filters)
    if before is not None:
        events = events.filter(Q(at__lt=before.at) | Q(at=before.at, id__lt=before.id))
    rows = events.order_by("-at", "-id").values("id", "key_id", "key__label", *ENTRY_COLUMNS)
    entries = [timeline_entry_from_values(values) for values in rows[: limit + 1]]
    if len(entries) <= limit:
        return entries, None
    last = entries[limit - 1]
    return entries[:limit], TimelineCursor(last.at, last.id)
