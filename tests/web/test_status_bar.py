"""Status bars: readable without colour, bounded, with shares that never claim too much."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import KeyHistory, StateSpan
from freddy_admin.web.pages.history.charts import (
    BAR_WIDTH,
    MAX_SLOTS,
    MIN_SLOT_WIDTH,
    state_shape,
    status_bar_legend,
    status_bar_slots,
)
from freddy_admin.web.pages.history.filters import DAY_WINDOW, MONTH_WINDOW, WEEK_WINDOW, TimeWindow
from freddy_admin.web.pages.history.presenter import (
    format_percent_rounded_down,
    on_time_share,
    status_bar,
)
from freddy_admin.wording.times import UserTime

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
USER_TIME = UserTime(NOW, UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = NOW - MONTH_WINDOW.length
GREEN = HealthState.UP_TO_DATE
LATE = HealthState.LATE
OVERDUE = HealthState.OVERDUE
UNKNOWN = HealthState.UNKNOWN


def spans_of(*ends: tuple[HealthState | None, datetime]) -> tuple[StateSpan, ...]:
    starts = [START, *(end for _, end in ends)]
    return tuple(
        StateSpan(start, end, state) for start, (state, end) in zip(starts, ends, strict=False)
    )


def shares(spans: tuple[StateSpan, ...]) -> dict[TimeWindow, str]:
    history = KeyHistory(1, "Main", START, NOW, spans, ())
    return {
        window: on_time_share(history, history.restrict_to_last(window.length), window, USER_TIME)
        for window in (DAY_WINDOW, WEEK_WINDOW, MONTH_WINDOW)
    }


def render_status_bar(spans: tuple[StateSpan, ...], window: TimeWindow = MONTH_WINDOW) -> str:
    history = KeyHistory(1, "Main", START, NOW, spans, ())
    return status_bar(history, window, USER_TIME)["drawing"]


def test_bar_height_tells_the_groups_apart_without_a_colour() -> None:
    shapes = {state: (state_shape(state).shape, state_shape(state).height) for state in HealthState}
    assert shapes[GREEN] == ("fill", 24)
    for state in (LATE, HealthState.WAITING, HealthState.NO_SCHEDULE):
        assert shapes[state] == ("fill", 16)
    for state in (
        OVERDUE,
        HealthState.NEVER_SYNCED,
        HealthState.KEY_REJECTED,
        HealthState.KEY_UNREADABLE,
    ):
        assert shapes[state] == ("fill", 8)
    for state in (UNKNOWN, HealthState.NOT_CHECKED):
        assert shapes[state] == ("fill", 3)
    assert shapes[HealthState.PAUSED][0] == "dots"
    assert state_shape(None).shape == "unwatched"


def test_a_segment_says_in_words_what_it_is_and_from_when_to_when() -> None:
    ended_at = NOW.replace(hour=14, minute=5)
    spans = spans_of(
        (GREEN, ended_at), (OVERDUE, ended_at.replace(hour=16, minute=20)), (GREEN, NOW)
    )
    assert "<title>Overdue, 14:05 to 16:20</title>" in render_status_bar(spans)
    assert "<title>Up to date, 16:20 until now</title>" in render_status_bar(spans, DAY_WINDOW)
    started_at = ended_at - timedelta(days=1)
    spans = spans_of((GREEN, started_at), (OVERDUE, started_at + 3 * HOUR), (GREEN, NOW))
    assert "<title>Overdue, 22 Nov, 14:05 to 17:05</title>" in render_status_bar(spans)


def test_status_bar_needs_no_inline_style() -> None:
    spans = spans_of((None, START + HOUR), (HealthState.PAUSED, START + 9 * HOUR), (OVERDUE, NOW))
    assert "style" not in render_status_bar(spans)
    assert re.findall(r'class="([\w-]+)', render_status_bar(spans)) == [
        "status-bar-unwatched",
        "status-bar-dots",
        "status-bar-fill",
    ]


def test_single_short_span_is_visible() -> None:
    at = START + timedelta(days=3)
    slots = status_bar_slots(spans_of((GREEN, at), (LATE, at + MINUTE), (GREEN, NOW)), START, NOW)
    assert [(slot.state, slot.width >= MIN_SLOT_WIDTH) for slot in slots] == [
        (GREEN, True),
        (LATE, True),
        (GREEN, True),
    ]
    assert slots[1].width == MIN_SLOT_WIDTH


def test_short_spans_at_both_ends_stay_within_the_status_bar() -> None:
    slots = status_bar_slots(
        spans_of(
            (LATE, START + MINUTE), (GREEN, NOW - 2 * MINUTE), (LATE, NOW - MINUTE), (OVERDUE, NOW)
        ),
        START,
        NOW,
    )
    assert (slots[0].x, slots[-1].x + slots[-1].width) == (0, BAR_WIDTH)
    assert [slot.width for slot in slots] == [
        MIN_SLOT_WIDTH,
        BAR_WIDTH - 3 * MIN_SLOT_WIDTH,
        MIN_SLOT_WIDTH,
        MIN_SLOT_WIDTH,
    ]


def _hourly_spans(state: HealthState) -> tuple[StateSpan, ...]:
    ends: list[tuple[HealthState | None, datetime]] = []
    for n in range(30 * 24):
        ends += [(state, START + n * HOUR + 3 * MINUTE), (GREEN, START + (n + 1) * HOUR)]
    return spans_of(*ends)


def test_many_short_spans_do_not_paint_a_month_amber() -> None:
    (slot,) = status_bar_slots(_hourly_spans(LATE), START, NOW)
    assert (slot.state, slot.mixed) == (GREEN, True)
    assert "<title>Mostly: Up to date, 24 Oct, 18:00 until now</title>" in render_status_bar(
        _hourly_spans(LATE)
    )


def test_span_that_needed_somebody_is_never_merged_away() -> None:
    (slot,) = status_bar_slots(_hourly_spans(OVERDUE), START, NOW)
    assert slot.state is OVERDUE
    assert "Overdue at times, " in render_status_bar(_hourly_spans(OVERDUE))


LENGTHS = st.lists(
    st.tuples(st.sampled_from([None, *HealthState]), st.integers(1, 2000)), min_size=1, max_size=900
)


@given(LENGTHS)
def test_slots_cover_the_status_bar_and_stay_few(
    lengths: list[tuple[HealthState | None, int]],
) -> None:
    total = sum(length for _, length in lengths)
    window, position, ends = NOW - START, 0, list[tuple[HealthState | None, datetime]]()
    for state, length in lengths:
        position += length
        ends.append((state, START + window * position / total))
    spans = spans_of(*ends[:-1], (ends[-1][0], NOW))
    slots = status_bar_slots(spans, START, NOW)
    assert len(slots) <= MAX_SLOTS <= 400
    assert slots[0].x == 0
    assert all(left.x + left.width == right.x for left, right in pairwise(slots))
    assert slots[-1].x + slots[-1].width == BAR_WIDTH
    assert all(slot.width >= MIN_SLOT_WIDTH for slot in slots)
    assert {slot.state for slot in slots} <= {span.state for span in spans}


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (1.0, 1, "100 %"),
        (0.9999, 1, "99.9 %"),
        (1 - 1e-10, 1, "99.9 %"),
        (0.982, 1, "98.2 %"),
        (0.29, 1, "29 %"),
        (0.5, 1, "50 %"),
        (0.0004, 1, "under 0.1 %"),
        (1e-12, 0, "under 1 %"),
        (0.0, 1, "0 %"),
        (0.9999, 0, "99 %"),
    ],
)
def test_a_share_is_never_said_to_be_more_than_it_is(share: float, digits: int, words: str) -> None:
    assert format_percent_rounded_down(share, digits) == words


@given(st.floats(0, 1))
def test_share_says_all_or_nothing_only_of_all_or_nothing(share: float) -> None:
    for digits in (0, 1):
        assert (format_percent_rounded_down(share, digits) == "100 %") is (share == 1)
        assert (format_percent_rounded_down(share, digits) == "0 %") is (share == 0)


@pytest.mark.parametrize(
    ("window", "of_window"), [(DAY_WINDOW, "day"), (WEEK_WINDOW, "week"), (MONTH_WINDOW, "30 days")]
)
def test_the_share_names_its_window_and_how_much_was_measured(
    window: TimeWindow, of_window: str
) -> None:
    start = NOW - window.length
    spans = spans_of(
        (GREEN, start),
        (UNKNOWN, start + 0.0001 * window.length),
        (LATE, start + 0.0177 * window.length),
        (GREEN, NOW),
    )
    assert shares(spans)[window] == f"98.2 % on time, measured 99 % of the {of_window}"


def test_a_span_without_data_is_no_share() -> None:
    rejected_since = NOW - timedelta(days=3)
    spans = spans_of((GREEN, rejected_since), (HealthState.KEY_REJECTED, NOW))
    assert shares(spans) == {
        DAY_WINDOW: "No data since 20 Nov, 18:00: Key rejected",
        WEEK_WINDOW: "No data since 20 Nov, 18:00: Key rejected. Before that 100 % on time",
        MONTH_WINDOW: "No data since 20 Nov, 18:00: Key rejected. Before that 100 % on time",
    }


def test_the_span_without_data_begins_with_the_first_of_several_states() -> None:
    spans = spans_of((GREEN, NOW - 5 * HOUR), (UNKNOWN, NOW - HOUR), (HealthState.PAUSED, NOW))
    assert shares(spans)[DAY_WINDOW] == "No data since 13:00: Paused. Before that 100 % on time"


def test_a_key_without_data_in_the_whole_history_has_no_share() -> None:
    assert set(shares(spans_of((UNKNOWN, NOW))).values()) == {"No data in these 30 days: Unknown"}


def test_a_new_key_says_when_its_history_begins() -> None:
    began_at = NOW - 2 * HOUR
    begin = ((None, began_at - HOUR), (HealthState.NOT_CHECKED, began_at))
    assert set(shares(spans_of(*begin, (GREEN, NOW))).values()) == {
        "History begins today: 100 % on time since"
    }
    assert set(shares(spans_of(*begin, (HealthState.WAITING, NOW))).values()) == {
        "History begins today"
    }
    spans = spans_of((None, NOW - timedelta(days=2)), (LATE, NOW - timedelta(days=1)), (GREEN, NOW))
    assert shares(spans) == {
        DAY_WINDOW: "100 % on time, measured 100 % of the day",
        WEEK_WINDOW: "History begins 21 Nov: 50 % on time since",
        MONTH_WINDOW: "History begins 21 Nov: 50 % on time since",
    }


def test_a_key_that_was_never_checked_claims_nothing() -> None:
    spans = spans_of((None, NOW - HOUR), (HealthState.NOT_CHECKED, NOW))
    assert set(shares(spans).values()) == {"no measured time yet"}


def test_a_segment_that_ends_today_names_both_days() -> None:
    ended_at = NOW.replace(hour=3, minute=44)
    started_at = (ended_at - timedelta(days=11)).replace(minute=30)
    spans = spans_of((LATE, started_at), (GREEN, ended_at), (LATE, NOW))
    assert "<title>Up to date, 12 Nov, 03:30 to 23 Nov, 03:44</title>" in render_status_bar(spans)


def test_status_bar_has_a_sentence_for_screen_readers() -> None:
    spans = spans_of((GREEN, NOW - 6 * HOUR), (OVERDUE, NOW))
    history = KeyHistory(1, "Main", START, NOW, spans, ())
    assert status_bar(history, DAY_WINDOW, USER_TIME)["label"] == (
        "Last 24 hours: 75 % on time, measured 100 % of the day. Up to date 75 %, Overdue 25 %."
    )


def test_legend_lists_the_states_that_occur_best_first() -> None:
    spans = spans_of(
        (None, START + HOUR), (OVERDUE, START + 2 * HOUR), (GREEN, START + 3 * HOUR), (LATE, NOW)
    )
    words = [words for _drawing, words in status_bar_legend(spans)]
    assert words == ["Up to date", "Late", "Overdue", "Not watched yet"]
