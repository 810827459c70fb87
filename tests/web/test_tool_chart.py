"""The tool chart: steps, gaps where the count was unknown, and a summarising sentence."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.history.timeline import KeyHistory, ToolCountStep
from freddy_admin.web.pages.history.charts import (
    CHART_HEIGHT,
    CHART_WIDTH,
    tool_chart,
)
from freddy_admin.web.pages.history.filters import DAY_WINDOW, MONTH_WINDOW, TimeWindow
from freddy_admin.wording.times import UserTime

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
START = NOW - MONTH_WINDOW.length
TEN_DAYS = timedelta(days=10)


def build_chart(
    *steps: tuple[timedelta, int | None, int | None], window: TimeWindow = MONTH_WINDOW
) -> dict[str, Any]:
    tools = tuple(ToolCountStep(START + at, enabled, total) for at, enabled, total in steps)
    history = KeyHistory(1, "Main", START, NOW, (), tools)
    return tool_chart(history, window, UserTime(NOW, UTC))


def test_changed_tool_count_is_a_step_of_the_chart() -> None:
    chart = build_chart((0 * TEN_DAYS, 5, 10), (TEN_DAYS, 10, 10))
    assert chart["enabled"] == "M0 100H333V0H1000"
    assert chart["total"] == "M0 0H333V0H1000"
    assert chart["area"] == "M0 200V100H333V200ZM333 200V0H1000V200Z"
    assert (chart["top"], chart["middle"]) == ("10", "5")


def test_unknown_tool_count_is_a_gap_of_the_chart() -> None:
    chart = build_chart((0 * TEN_DAYS, 5, 10), (TEN_DAYS, None, None), (2 * TEN_DAYS, 5, 10))
    assert chart["enabled"] == "M0 100H333M667 100H1000"
    assert chart["words"] == "5 of 10 tools on, unchanged in these 30 days."


def test_tool_count_known_for_a_moment_is_visible() -> None:
    chart = build_chart(
        (0 * TEN_DAYS, None, None), (TEN_DAYS, 5, 10), (TEN_DAYS + timedelta(minutes=1), None, None)
    )
    assert chart["enabled"] == "M333 100H336"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(7, 42)], "7 of 42 tools on, unchanged in these 30 days."),
        ([(5, 42), (9, 42), (7, 42)], "7 of 42 tools on; between 5 and 9 in these 30 days."),
        ([(7, 40), (7, 42)], "7 of 42 tools on; the total changed in these 30 days."),
        (
            [(5, 42), (7, 42), (None, None)],
            "Not known now; last 7 of 42 tools on; between 5 and 7 in these 30 days.",
        ),
        ([(None, None)], "No figures of tools in these 30 days."),
        ([], "No figures of tools in these 30 days."),
    ],
)
def test_chart_is_summarised_in_a_sentence(
    steps: list[tuple[int | None, int | None]], words: str
) -> None:
    hours = [timedelta(hours=n) for n in range(len(steps))]
    chart = build_chart(*((at, *step) for at, step in zip(hours, steps, strict=True)))
    assert chart["words"] == words
    assert bool(chart["enabled"]) is not words.startswith("No figures")


def test_a_shorter_window_shows_what_held_at_its_beginning() -> None:
    chart = build_chart((0 * TEN_DAYS, 5, 10), (TEN_DAYS, 10, 10), window=DAY_WINDOW)
    assert chart["enabled"] == "M0 0H1000"
    assert chart["words"] == "10 of 10 tools on, unchanged in these 24 hours."
    assert chart["ticks"] == ["18:00", "00:00", "06:00", "12:00", "now"]


def test_chart_of_a_key_watched_for_less_than_the_window_says_since_when() -> None:
    chart = build_chart((2 * TEN_DAYS, 5, 10))
    assert chart["words"] == "5 of 10 tools on, unchanged since 13 Nov, 18:00."


def test_a_longer_window_is_marked_by_days() -> None:
    assert build_chart((0 * TEN_DAYS, 5, 10))["ticks"] == [
        "24 Oct",
        "1 Nov",
        "8 Nov",
        "16 Nov",
        "now",
    ]


@pytest.mark.parametrize(
    ("count", "expected_top"),
    [
        *[(0, "2"), (1, "2"), (3, "4"), (7, "8"), (9, "10"), (42, "50"), (61, "80")],
        (10**18, "1,000,000,000,000,000,000"),
    ],
)
def test_the_scale_ends_on_a_round_number(count: int, expected_top: str) -> None:
    assert build_chart((0 * TEN_DAYS, 0, count))["top"] == expected_top


STEPS = st.lists(
    st.tuples(st.integers(0, 43_199), st.none() | st.integers(0, 2**63 - 1)), max_size=3000
)


@given(STEPS)
def test_chart_lines_stay_short_and_within_the_picture(
    steps: list[tuple[int, int | None]],
) -> None:
    chart = build_chart(
        *((timedelta(minutes=n), number, number) for n, number in sorted(steps, key=lambda s: s[0]))
    )
    places = [int(position) for position in re.findall(r"[MH](\d+)", chart["enabled"])]
    heights = [int(height) for height in re.findall(r"(?:V|M\d+ )(\d+)", chart["enabled"])]
    assert len(places) <= 2 * (CHART_WIDTH + 1)
    assert all(0 <= position <= CHART_WIDTH for position in places)
    assert places == sorted(places)
    assert all(0 <= height <= CHART_HEIGHT for height in heights)
