"""The replay of a key's history: it covers its window, and is never better than its events."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import (
    KeyHistory,
    ReplayEvent,
    StateSpan,
    ToolCountStep,
    UpToDateShare,
    clip_state_spans,
    compute_up_to_date_share,
    replay_key_history,
    state_change_from_event,
    tool_count_steps_since,
)
from freddy_admin.sync.models import EventKind

END = datetime(2026, 3, 31, 12, tzinfo=UTC)
START = END - timedelta(days=30)
H = timedelta(hours=1)
GREEN = HealthState.UP_TO_DATE
LATE = HealthState.LATE
OVERDUE = HealthState.OVERDUE
UNKNOWN = HealthState.UNKNOWN
UNWATCHED = (None, "")


def state_changed(before: str | None, after: str | None, at: datetime) -> ReplayEvent:
    return ReplayEvent(EventKind.HEALTH_CHANGED, at, {"state": [before, after]})


def tools_changed(before: Any, after: Any, at: datetime) -> ReplayEvent:
    details = {"enabled": [before[0], after[0]], "total": [before[1], after[1]]}
    return ReplayEvent(EventKind.TOOLS_CHANGED, at, details)


def replay(
    *events: ReplayEvent,
    state: HealthState | None = GREEN,
    tools: tuple[int | None, int | None] = (7, 42),
) -> KeyHistory:
    return replay_key_history(
        events, key_id=1, label="Main", start=START, end=END, state=state, tools=tools
    )


def test_the_present_state_fills_a_window_without_events() -> None:
    assert replay().spans == (StateSpan(START, END, GREEN),)
    assert replay().tools == (ToolCountStep(START, 7, 42),)
    assert replay(state=None).spans == (StateSpan(START, END, None),)
    assert replay(state=None).tools == (ToolCountStep(START, None, None),)


def test_the_first_event_says_which_state_was_before_it() -> None:
    history = replay(state_changed(GREEN, LATE, START + H), state=LATE)
    assert history.spans == (StateSpan(START, START + H, GREEN), StateSpan(START + H, END, LATE))


def test_an_unwatched_key_has_no_state() -> None:
    event = ReplayEvent(
        EventKind.KEY_CHANGED, START + H, {"state": ["", HealthState.NOT_CHECKED.value]}
    )
    first, second = replay(event, state=HealthState.NOT_CHECKED).spans
    assert (first.state, second.state) == (None, HealthState.NOT_CHECKED)


def test_a_state_that_lasted_no_time_leaves_no_span() -> None:
    at = START + H
    history = replay(state_changed(GREEN, LATE, at), state_changed(LATE, GREEN, at))
    assert history.spans == (StateSpan(START, END, GREEN),)


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"state": None},
        {"state": "late"},
        {"state": ["late"]},
        {"state": ["late", "late", "late"]},
        {"state": ["late", "of another version"]},
        {"state": [["late"], {}]},
    ],
)
def test_an_unreadable_event_changes_no_state(details: dict[str, Any]) -> None:
    event = ReplayEvent(EventKind.HEALTH_CHANGED, START + H, details)
    assert state_change_from_event(event) is None
    assert replay(event).spans == (StateSpan(START, END, GREEN),)


def test_events_of_other_kinds_change_no_state() -> None:
    assert (
        state_change_from_event(
            ReplayEvent(EventKind.PERSON_ACTION, END, {"state": ["late", "overdue"]})
        )
        is None
    )


def test_tool_steps_follow_changes_and_have_a_gap_while_unknown() -> None:
    history = replay(
        tools_changed((None, None), (5, 40), START + H),
        state_changed(GREEN, UNKNOWN, START + 2 * H),
        tools_changed((5, 40), (7, 42), START + 3 * H),
        state_changed(UNKNOWN, GREEN, START + 4 * H),
    )
    assert history.tools == (
        ToolCountStep(START, None, None),
        ToolCountStep(START + H, 5, 40),
        ToolCountStep(START + 2 * H, None, None),
        ToolCountStep(START + 4 * H, 7, 42),
    )


@pytest.mark.parametrize("details", [{}, {"enabled": [1, 2]}, {"enabled": 3, "total": [None]}])
def test_unreadable_tool_counts_are_unknown(details: dict[str, Any]) -> None:
    history = replay(ReplayEvent(EventKind.TOOLS_CHANGED, START + H, details))
    assert all(step.total is None for step in history.tools)


def test_a_state_change_alone_adds_no_tool_step() -> None:
    assert replay(state_changed(LATE, GREEN, START + H)).tools == (ToolCountStep(START, 7, 42),)


def test_the_on_time_share_is_of_the_measured_time() -> None:
    spans = [
        StateSpan(START, START + 6 * H, GREEN),
        StateSpan(START + 6 * H, START + 8 * H, OVERDUE),
        StateSpan(START + 8 * H, START + 12 * H, UNKNOWN),
        StateSpan(START + 12 * H, START + 16 * H, None),
    ]
    assert compute_up_to_date_share(spans, 16 * H) == UpToDateShare(
        up_to_date=0.75, measured_share=0.5
    )
    assert compute_up_to_date_share(spans[2:], 8 * H) == UpToDateShare(
        up_to_date=None, measured_share=0.0
    )
    assert compute_up_to_date_share([], timedelta()) == UpToDateShare(
        up_to_date=None, measured_share=0.0
    )


def test_a_shorter_window_is_the_end_of_a_longer_one() -> None:
    history = replay(
        state_changed(LATE, GREEN, END - 30 * H), tools_changed((6, 42), (7, 42), END - 2 * H)
    ).restrict_to_last(24 * H)
    assert (history.start, history.end) == (END - 24 * H, END)
    assert history.spans == (StateSpan(END - 24 * H, END, GREEN),)
    assert history.tools == (ToolCountStep(END - 24 * H, 6, 42), ToolCountStep(END - 2 * H, 7, 42))
    assert history.up_to_date_share == UpToDateShare(up_to_date=1.0, measured_share=1.0)
    assert replay().restrict_to_last(timedelta(days=90)).start == START


def test_spans_outside_of_a_window_are_left_out() -> None:
    spans = [StateSpan(START, START + H, LATE), StateSpan(START + H, START + 2 * H, GREEN)]
    assert clip_state_spans(spans, START + H, END) == (spans[1],)
    assert tool_count_steps_since([ToolCountStep(END, 1, 2)], START) == (ToolCountStep(END, 1, 2),)


TIMES = st.integers(-10, 30 * 24 * 60 + 10).map(lambda n: START + n * timedelta(minutes=1))
STATE_VALUES = st.sampled_from([*UNWATCHED, *HealthState.values])
COUNTS = st.none() | st.integers(0, 60)
TOOL_COUNTS = st.tuples(COUNTS, COUNTS)
UNREADABLE_DETAILS = st.sampled_from([{}, {"state": ["x", "y"]}, {"enabled": "x"}, {"state": []}])
EVENTS = st.one_of(
    st.builds(state_changed, STATE_VALUES, STATE_VALUES, TIMES),
    st.builds(tools_changed, TOOL_COUNTS, TOOL_COUNTS, TIMES),
    st.builds(ReplayEvent, st.sampled_from(EventKind), TIMES, UNREADABLE_DETAILS),
)
EVENT_LISTS = st.lists(EVENTS, max_size=30).map(
    lambda events: sorted(events, key=lambda event: event.at)
)


@given(EVENT_LISTS, st.sampled_from([None, *HealthState]), TOOL_COUNTS)
def test_spans_cover_the_window_and_shares_are_shares(
    events: list[ReplayEvent], state: HealthState | None, tools: tuple[int | None, int | None]
) -> None:
    history = replay(*events, state=state, tools=tools)
    assert history.spans[0].start == START
    assert history.spans[-1].end == END
    assert all(before.end == after.start for before, after in pairwise(history.spans))
    assert all(before.state != after.state for before, after in pairwise(history.spans))
    assert all(span.duration > timedelta() for span in history.spans)
    for part in (
        history,
        history.restrict_to_last(24 * H),
        history.restrict_to_last(timedelta(days=7)),
    ):
        assert sum((span.duration for span in part.spans), timedelta()) == part.end - part.start
        assert 0 <= part.up_to_date_share.measured_share <= 1
        assert (
            part.up_to_date_share.up_to_date is None or 0 <= part.up_to_date_share.up_to_date <= 1
        )


@given(EVENT_LISTS, st.sampled_from([None, *HealthState]))
def test_no_span_is_up_to_date_where_no_event_says_so(
    events: list[ReplayEvent], state: HealthState | None
) -> None:
    changes = [(event.at, change) for event in events if (change := state_change_from_event(event))]
    for span in replay(*events, state=state).spans:
        if span.state is not GREEN:
            continue
        # The latest change up to its start leads to its state, or the first change leads from it.
        states_before = [after for at, (_, after) in changes if at <= span.start]
        state_at_start = (
            states_before[-1] if states_before else changes[0][1][0] if changes else state
        )
        assert state_at_start is GREEN


@given(EVENT_LISTS, st.sampled_from([None, *HealthState]), TOOL_COUNTS)
def test_tool_steps_are_in_order_and_none_is_in_an_unknown_span(
    events: list[ReplayEvent], state: HealthState | None, tools: tuple[int | None, int | None]
) -> None:
    history = replay(*events, state=state, tools=tools)
    assert history.tools[0].at == START
    for before, after in pairwise(history.tools):
        assert before.at <= after.at
        assert (before.enabled, before.total) != (after.enabled, after.total)
    for step in history.tools:
        span = next(span for span in history.spans if span.start <= step.at < span.end)
        if span.state in {
            None,
            UNKNOWN,
            HealthState.PAUSED,
            HealthState.KEY_REJECTED,
            HealthState.NOT_CHECKED,
        }:
            assert (step.enabled, step.total) == (None, None)


@given(EVENT_LISTS)
def test_replaying_again_gives_an_equal_history(events: list[ReplayEvent]) -> None:
    assert replay(*events) == replay(*events)
