"""When a maintenance window is: pure, over clock changes. Times in and out are aware.

A window is what the clock on the wall of its zone says. Where the wall skips an hour, a time in
that hour is the moment of the skip; where it repeats one, the window holds from the first time
the wall shows its start until the last time it shows its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from freddy_admin.alerts.models import MaintenanceWindow, WindowRecurrence

_WEEK = timedelta(days=7)
_SECOND = timedelta(seconds=1)
# No clock change is longer than this: the wall of a zone never moved by more than a day.
_LONGEST_CHANGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """One occurrence of a window, in UTC; it ends before `end`."""

    start: datetime
    end: datetime


def window_spans(
    window: MaintenanceWindow, *, start: datetime, end: datetime
) -> Iterator[WindowSpan]:
    """The occurrences that touch the time between `start` and `end`, in order."""
    for day in _days_from(window, start):
        span = _span_of_day(window, day)
        if span.start >= end:
            return
        if span.end > start:
            yield span


def window_span_at(window: MaintenanceWindow, now: datetime) -> WindowSpan | None:
    """The occurrence that `now` is in, the last to end where one begins before another ends."""
    spans = window_spans(window, start=now, end=now + _SECOND)
    return max(
        (span for span in spans if span.start <= now < span.end),
        key=lambda span: span.end,
        default=None,
    )


def window_next_span(window: MaintenanceWindow, now: datetime) -> WindowSpan | None:
    """The first occurrence that has not ended yet; None where there is none any more."""
    for day in _days_from(window, now):
        span = _span_of_day(window, day)
        if span.end > now:
            return span
    return None


def wall_to_utc(wall: datetime, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """The first moment at which the wall shows this time or a later one, for an end the last.

    `wall` is naive. A time that the wall skips is the moment of the skip.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first < second:  # the wall shows it twice
        return second if is_end else first
    # Skipped: the clock changes between the two, at the first moment that shows a later time.
    before, after = second, first
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _days_from(window: MaintenanceWindow, start: datetime) -> Iterator[date]:
    """The days on which the window begins, from the last one that may still hold at `start`."""
    day = window.starts_on
    if window.recurrence == WindowRecurrence.ONCE:
        yield day
        return
    length = timedelta(minutes=window.minutes)
    earliest = (start.astimezone(ZoneInfo(window.zone)) - length - _LONGEST_CHANGE).date()
    if earliest > day:
        day += _WEEK * ((earliest - day).days // 7)
    while window.ends_on is None or day <= window.ends_on:
        yield day
        if day > date.max - _WEEK:
            return
        day += _WEEK


def _span_of_day(window: MaintenanceWindow, day: date) -> WindowSpan:
    zone = ZoneInfo(window.zone)
    wall_start = datetime.combine(day, window.starts_at)
    wall_end = wall_start + timedelta(minutes=window.minutes)
    start = wall_to_utc(wall_start, zone)
    return WindowSpan(start, max(start, wall_to_utc(wall_end, zone, is_end=True)))
