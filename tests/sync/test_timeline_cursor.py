"""Parts of a history for programs: none missing, none twice, also while events are added."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.cursor_pagination import (
    TIMELINE_CURSOR_PATTERN,
    TimelineCursor,
    parse_timeline_cursor,
    timeline_entries_before,
)
from freddy_admin.sync.history.timeline import TimelineFilters
from freddy_admin.sync.models import EventKind, HistoryEvent

pytestmark = pytest.mark.django_db


def add_event(organisation: Organisation, at: datetime, name: str) -> None:
    HistoryEvent.objects.create(
        organisation=organisation,
        kind=EventKind.TOOLS_CHANGED,
        at=at,
        noticed_at=at,
        details={"name": name},
    )


@pytest.mark.parametrize(
    "at", [datetime(2026, 3, 2, 12, 0, 0, 1, UTC), datetime(1970, 1, 1, tzinfo=UTC)]
)
def test_cursor_is_read_back_as_it_was_written(at: datetime) -> None:
    cursor = TimelineCursor(at, 7)
    assert re.match(TIMELINE_CURSOR_PATTERN, str(cursor))
    assert parse_timeline_cursor(str(cursor)) == cursor


def test_parts_follow_each_other_without_gap_or_double(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    now = clock.now()
    for number in range(7):
        # Two at each moment.
        add_event(organisation, now - timedelta(minutes=number // 2), f"{number}")
    add_event(other_organisation, now, "theirs")
    names, cursor = list[str](), None
    while True:
        entries, cursor = timeline_entries_before(
            organisation=organisation, filters=TimelineFilters(), before=cursor, limit=3
        )
        assert len(entries) <= 3
        names += [entry.details["name"] for entry in entries]
        # What comes meanwhile is newer than what is still to be read.
        add_event(organisation, clock.now(), "new")
        if cursor is None:
            break
    assert sorted(names) == [str(number) for number in range(7)]


def test_last_part_has_no_cursor(
    organisation: Organisation, django_assert_num_queries: object
) -> None:
    add_event(organisation, clock.now(), "one")
    with django_assert_num_queries(1):  # type: ignore[operator]
        entries, cursor = timeline_entries_before(
            organisation=organisation, filters=TimelineFilters(), before=None, limit=1
        )
    assert (len(entries), cursor) == (1, None)
