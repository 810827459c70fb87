"""History from one event on backwards, for programs: a place in it stays that place."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.timeline import (
    AS_THEY_ARE,
    TimelineEntry,
    TimelineFilters,
    entry_of,
    timeline_events,
)

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Up to the year 2286; the ids are what a database takes.
CURSOR_PATTERN = "^[0-9]{1,16}-[0-9]{1,18}$"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the history: before it are the events older than this one."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _START) // _MICROSECOND}-{self.id}"


def cursor_of(text: str) -> Cursor:
    """What `str` made of a cursor; the text must look like CURSOR_PATTERN."""
    moment, number = text.split("-")
    return Cursor(_START + int(moment) * _MICROSECOND, int(number))


def timeline_before(
    *, organisation: Organisation, filters: TimelineFilters, before: Cursor | None, limit: int
) -> tuple[list[TimelineEntry], Cursor | None]:
    """Up to `limit` events, the newest first, and where to go on; None at the end. One query."""
    events = timeline_events(organisation=organisation, filters=filters)
    if before is not None:
        events = events.filter(Q(at__lt=before.at) | Q(at=before.at, id__lt=before.id))
    rows = events.order_by("-at", "-id").values("id", "key_id", "key__label", *AS_THEY_ARE)
    found = [entry_of(values) for values in rows[: limit + 1]]
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], Cursor(last.at, last.id)
