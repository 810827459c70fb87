"""Times read as people say them, and are never absurd."""

from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.wording.times import EITHER, FUTURE, PAST, UserTime, format_interval

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USER_TIME = UserTime(NOW, UTC)


@pytest.mark.parametrize(
    ("seconds", "side", "words"),
    [
        (0, PAST, "just now"),
        (-180, PAST, "just now"),
        (40, PAST, "40 s ago"),
        (720, PAST, "12 min ago"),
        (7200, PAST, "2 h ago"),
        (3 * 86400, PAST, "3 days ago"),
        (-20, FUTURE, "in 20 s"),
        (60, FUTURE, "any moment"),
        (-1500, EITHER, "in 25 min"),
        (1500, EITHER, "25 min ago"),
    ],
)
def test_times_read_as_people_say_them(seconds: int, side: str, words: str) -> None:
    assert USER_TIME.format_relative(NOW - timedelta(seconds=seconds), side) == words


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, "every hour"), (6, "every 6 hours"), (24, "every day"), (720, "every 30 days")],
)
def test_an_interval_reads_as_people_say_it(hours: int, words: str) -> None:
    assert format_interval(hours) == words


def test_a_clock_time_names_the_day_only_where_it_is_another() -> None:
    assert USER_TIME.format_clock(NOW + timedelta(hours=2)) == "14:00"
    assert USER_TIME.format_clock(NOW + timedelta(days=1)) == "3 Mar, 12:00"
    assert USER_TIME.format_clock(NOW - timedelta(days=365)) == "2 Mar 2025, 12:00"


def test_the_exact_time_stands_behind_the_relative_one() -> None:
    element = USER_TIME.render_ago(NOW - timedelta(minutes=12))
    assert 'datetime="2026-03-02T11:48:00Z"' in element
    assert 'title="2 Mar 2026, 11:48:00 UTC"' in element
    assert 'tabindex="0"' in element
