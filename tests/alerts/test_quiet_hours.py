"""Quiet hours: across midnight, in any zone, over clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.alerts.rules.quiet_hours import QuietHours, quiet_until

ZURICH = ZoneInfo("Europe/Zurich")
NIGHT = QuietHours(time(22), time(7), "Europe/Zurich")
ZONES = ("UTC", "Europe/Zurich", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")


def in_zurich(*args: int) -> datetime:
    return datetime(*args, tzinfo=ZURICH)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("at", "end"),
    [
        (in_zurich(2026, 3, 2, 21, 59), None),
        (in_zurich(2026, 3, 2, 22, 0), in_zurich(2026, 3, 3, 7, 0)),
        (in_zurich(2026, 3, 3, 0, 0), in_zurich(2026, 3, 3, 7, 0)),
        (in_zurich(2026, 3, 3, 6, 59), in_zurich(2026, 3, 3, 7, 0)),
        (in_zurich(2026, 3, 3, 7, 0), None),
    ],
)
def test_night_across_midnight_ends_in_the_morning(at: datetime, end: datetime | None) -> None:
    assert NIGHT.ends_at(at) == end


def test_quiet_hours_of_a_day_do_not_reach_into_the_night() -> None:
    lunch = QuietHours(time(12), time(13), "Europe/Zurich")

    assert lunch.ends_at(in_zurich(2026, 3, 2, 12, 30)) == in_zurich(2026, 3, 2, 13, 0)
    assert lunch.ends_at(in_zurich(2026, 3, 2, 0, 30)) is None


def test_night_is_an_hour_shorter_when_the_clock_jumps_ahead() -> None:
    start, end = in_zurich(2026, 3, 28, 22, 0), in_zurich(2026, 3, 29, 7, 0)

    assert NIGHT.ends_at(start) == end
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=8)


def test_night_is_an_hour_longer_when_the_clock_is_set_back() -> None:
    start, end = in_zurich(2026, 10, 24, 22, 0), in_zurich(2026, 10, 25, 7, 0)

    assert NIGHT.ends_at(start) == end
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=10)


def test_end_that_the_clock_skips_is_the_moment_of_the_jump() -> None:
    hours = QuietHours(time(22), time(2, 30), "Europe/Zurich")

    # 02:00 is followed by 03:00, at 01:00 UTC.
    assert hours.ends_at(in_zurich(2026, 3, 29, 1, 30)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert hours.ends_at(in_zurich(2026, 3, 29, 3, 0)) is None


def test_end_that_comes_twice_is_the_second_one() -> None:
    hours = QuietHours(time(22), time(2, 30), "Europe/Zurich")
    second_end = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert hours.ends_at(in_zurich(2026, 10, 25, 2, 15)) == second_end
    assert hours.ends_at(in_zurich(2026, 10, 25, 2, 45)) == second_end
    assert hours.ends_at(second_end) is None


def test_zone_that_this_machine_does_not_know_counts_as_utc() -> None:
    hours = QuietHours(time(22), time(7), "Mars/Olympus")

    at = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert hours.ends_at(at) == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_of_several_spans_the_one_that_ends_last_counts() -> None:
    longer = QuietHours(time(20), time(9), "Europe/Zurich")
    at = in_zurich(2026, 3, 2, 23, 0)

    assert quiet_until([None, NIGHT, longer], at) == in_zurich(2026, 3, 3, 9, 0)
    assert quiet_until([None], at) is None


@given(
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(ZONES),
    at=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  made aware below
)
def test_quiet_hours_end_after_now_within_a_day_and_are_over_then(
    start: time, end: time, zone: str, at: datetime
) -> None:
    hours = QuietHours(start, end, zone)
    now = at.replace(tzinfo=UTC)
    ends_at = hours.ends_at(now)

    if ends_at is not None:
        assert now < ends_at <= now + timedelta(hours=26)
        if start != end:
            assert hours.ends_at(ends_at) is None
        wall = ends_at.astimezone(ZoneInfo(zone)).time()
        is_jump = (ends_at - timedelta(seconds=2)).astimezone(ZoneInfo(zone)).utcoffset() != (
            ends_at.astimezone(ZoneInfo(zone)).utcoffset()
        )
        assert wall == end or is_jump
