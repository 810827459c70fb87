"""When a maintenance window is, over clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.alerts.models import MaintenanceWindow, WindowRecurrence
from freddy_admin.alerts.silences.recurrence import (
    WindowSpan,
    wall_to_utc,
    window_next_span,
    window_span_at,
    window_spans,
)

ZURICH = "Europe/Zurich"
# Sunday, 29 March 2026: 02:00 becomes 03:00. Sunday, 25 October 2026: 03:00 becomes 02:00.
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def make_window(day: date, at: time, minutes: int, **values: object) -> MaintenanceWindow:
    defaults = {"zone": ZURICH, "reason": "upgrade", "recurrence": WindowRecurrence.ONCE}
    return MaintenanceWindow(
        **(defaults | {"starts_on": day, "starts_at": at, "minutes": minutes} | values)
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def first_span(window: MaintenanceWindow) -> WindowSpan:
    span = window_next_span(window, utc(2000, 1, 1))
    assert span is not None
    return span


@pytest.mark.parametrize(
    ("day", "at", "minutes", "start", "end"),
    [
        # An ordinary night, in winter and in summer.
        (date(2026, 1, 10), time(22), 240, utc(2026, 1, 10, 21), utc(2026, 1, 11, 1)),
        (date(2026, 7, 10), time(22), 240, utc(2026, 7, 10, 20), utc(2026, 7, 11, 0)),
        # Over the skipped hour: 01:30 to 04:30 on the wall are two hours.
        (SPRING, time(1, 30), 180, utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 2, 30)),
        # It begins, or ends, within the skipped hour: at the skip.
        (SPRING, time(2, 30), 90, utc(2026, 3, 29, 1), utc(2026, 3, 29, 2)),
        (SPRING, time(1, 30), 60, utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1)),
        # Over the repeated hour: 01:30 to 04:30 on the wall are four hours.
        (AUTUMN, time(1, 30), 180, utc(2026, 10, 24, 23, 30), utc(2026, 10, 25, 3, 30)),
        # Within the repeated hour: both times.
        (AUTUMN, time(2, 15), 30, utc(2026, 10, 25, 0, 15), utc(2026, 10, 25, 1, 45)),
    ],
)
def test_a_window_follows_the_wall(
    day: date, at: time, minutes: int, start: datetime, end: datetime
) -> None:
    assert first_span(make_window(day, at, minutes)) == WindowSpan(start, end)


def test_a_window_within_the_skipped_hour_lasts_no_time() -> None:
    window = make_window(SPRING, time(2, 10), 30)
    moment = utc(2026, 3, 29, 1)
    assert first_span(window) == WindowSpan(moment, moment)
    assert window_span_at(window, moment) is None


def test_a_weekly_window_keeps_its_wall_time_over_the_clock_change() -> None:
    window = make_window(
        date(2026, 3, 16), time(3), 60, recurrence=WindowRecurrence.WEEKLY
    )  # Mondays
    spans = list(window_spans(window, start=utc(2026, 3, 20), end=utc(2026, 4, 8)))
    assert [span.start for span in spans] == [
        utc(2026, 3, 23, 2), utc(2026, 3, 30, 1), utc(2026, 4, 6, 1),
    ]  # fmt: skip


def test_a_weekly_window_over_midnight_is_found_on_the_next_day() -> None:
    window = make_window(date(2026, 1, 5), time(23), 180, recurrence=WindowRecurrence.WEEKLY)
    span = window_span_at(window, utc(2026, 2, 10, 0, 30))  # Tuesday 01:30 in Zurich
    assert span == WindowSpan(utc(2026, 2, 9, 22), utc(2026, 2, 10, 1))
    assert window_span_at(window, utc(2026, 2, 10, 1)) is None  # it ends before its end


def test_a_weekly_window_ends_with_its_last_day() -> None:
    window = make_window(
        date(2026, 1, 5), time(23), 180, recurrence=WindowRecurrence.WEEKLY,
        ends_on=date(2026, 1, 12),
    )  # fmt: skip
    last = window_next_span(window, utc(2026, 1, 10))
    assert last is not None
    assert last.start == utc(2026, 1, 12, 22)
    assert window_next_span(window, last.end) is None
    assert window_span_at(window, utc(2026, 1, 19, 22, 30)) is None
    assert list(window_spans(window, start=utc(2026, 2, 1), end=utc(2026, 3, 1))) == []


def test_a_window_does_not_hold_before_its_first_day_or_after_the_only_one() -> None:
    weekly = make_window(date(2026, 1, 5), time(23), 60, recurrence=WindowRecurrence.WEEKLY)
    once = make_window(date(2026, 1, 5), time(23), 60)
    assert window_span_at(weekly, utc(2025, 12, 29, 22, 30)) is None
    assert window_span_at(once, utc(2026, 1, 12, 22, 30)) is None
    assert window_next_span(once, utc(2026, 1, 6)) is None


def test_a_weekly_window_at_the_end_of_time_ends() -> None:
    window = make_window(date.max - timedelta(days=9), time(1), 60, recurrence="weekly", zone="UTC")
    spans = list(window_spans(window, start=utc(9999, 12, 1), end=utc(9999, 12, 31, 23)))
    assert len(spans) == 2


ZONES = st.sampled_from(
    ["UTC", ZURICH, "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
     "Pacific/Apia", "Asia/Kolkata", "Africa/Casablanca"]
)  # fmt: skip
WALLS = st.datetimes(
    min_value=datetime.fromisoformat("2005-01-01"), max_value=datetime.fromisoformat("2030-12-31")
)


@given(wall=WALLS, zone=ZONES)
def test_a_wall_time_is_the_first_moment_that_shows_it_or_a_later_one(
    wall: datetime, zone: str
) -> None:
    wall, info = wall.replace(second=0, microsecond=0), ZoneInfo(zone)
    moment = wall_to_utc(wall, info)
    shown = moment.astimezone(info).replace(tzinfo=None)
    before = (moment - timedelta(seconds=1)).astimezone(info).replace(tzinfo=None)
    assert shown >= wall > before
    last = wall_to_utc(wall, info, is_end=True)
    assert last >= moment
    assert last.astimezone(info).replace(tzinfo=None) >= wall


@given(
    day=st.dates(min_value=date(2010, 1, 1), max_value=date(2028, 1, 1)),
    at=st.times().map(lambda value: value.replace(second=0, microsecond=0)),
    minutes=st.integers(min_value=1, max_value=6 * 24 * 60),
    zone=ZONES,
    offset=st.integers(min_value=0, max_value=60 * 24 * 400),
)
def test_a_window_holds_wherever_the_wall_shows_a_time_within_it(
    day: date, at: time, minutes: int, zone: str, offset: int
) -> None:
    window = make_window(day, at, minutes, zone=zone, recurrence=WindowRecurrence.WEEKLY)
    now = datetime.combine(day, at, tzinfo=UTC) + timedelta(minutes=offset)
    wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    begun = (wall - datetime.combine(day, at)) % timedelta(days=7)
    is_after_first = wall >= datetime.combine(day, at)
    if is_after_first and begun < timedelta(minutes=minutes):
        span = window_span_at(window, now)
        assert span is not None
        assert span.start <= now < span.end
    following = window_next_span(window, now)
    assert following is not None
    assert following.end > now


@given(day=st.dates(min_value=date(2010, 1, 1), max_value=date(2028, 1, 1)), zone=ZONES)
def test_a_year_has_a_window_for_each_week_in_order_and_apart(day: date, zone: str) -> None:
    window = make_window(day, time(2, 30), 60, zone=zone, recurrence=WindowRecurrence.WEEKLY)
    start = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=2)
    spans = list(window_spans(window, start=start, end=start + timedelta(days=364)))
    assert 51 <= len(spans) <= 53
    assert all(first.end < second.start for first, second in pairwise(spans))
