"""The replay of a key's history: it covers its window, and is never better than what was told."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.history.spans import (
    Happening,
    KeyHistory,
    Share,
    Span,
    ToolStep,
    change_of,
    clipped,
    key_history,
    share_of,
    steps_from,
)
from freddy_admin.sync.models import EventKind
from freddy_admin.sync.states import State

END = datetime(2026, 3, 31, 12, tzinfo=UTC)
START = END - timedelta(days=30)
H = timedelta(hours=1)
GREEN, LATE, OVERDUE, UNKNOWN = State.UP_TO_DATE, State.LATE, State.OVERDUE, State.UNKNOWN
UNWATCHED = (None, "")


def became(before: str | None, after: str | None, at: datetime) -> Happening:
    return Happening(EventKind.HEALTH_CHANGED, at, {"state": [before, after]})


def counted(before: Any, after: Any, at: datetime) -> Happening:
    details = {"enabled": [before[0], after[0]], "total": [before[1], after[1]]}
    return Happening(EventKind.TOOLS_CHANGED, at, details)


def replayed(
    *happenings: Happening,
    state: State | None = GREEN,
    tools: tuple[int | None, int | None] = (7, 42),
) -> KeyHistory:
    return key_history(
        happenings, key_id=1, label="Main", start=START, end=END, state=state, tools=tools
    )


def test_without_an_event_the_present_state_held_all_the_time() -> None:
    assert replayed().spans == (Span(START, END, GREEN),)
    assert replayed().tools == (ToolStep(START, 7, 42),)
    assert replayed(state=None).spans == (Span(START, END, None),)
    assert replayed(state=None).tools == (ToolStep(START, None, None),)


def test_the_first_event_says_what_held_before_it() -> None:
    history = replayed(became(GREEN, LATE, START + H), state=LATE)
    assert history.spans == (Span(START, START + H, GREEN), Span(START + H, END, LATE))


def test_before_it_was_watched_there_is_no_state() -> None:
    added = Happening(EventKind.KEY_CHANGED, START + H, {"state": ["", State.NOT_CHECKED.value]})
    first, second = replayed(added, state=State.NOT_CHECKED).spans
    assert (first.state, second.state) == (None, State.NOT_CHECKED)


def test_what_lasted_no_time_leaves_no_trace() -> None:
    at = START + H
    there_and_back = replayed(became(GREEN, LATE, at), became(LATE, GREEN, at))
    assert there_and_back.spans == (Span(START, END, GREEN),)


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
def test_what_cannot_be_read_changes_no_state(details: dict[str, Any]) -> None:
    told = Happening(EventKind.HEALTH_CHANGED, START + H, details)
    assert change_of(told) is None
    assert replayed(told).spans == (Span(START, END, GREEN),)


def test_other_kinds_tell_no_states() -> None:
    assert change_of(Happening(EventKind.PERSON_DID, END, {"state": ["late", "overdue"]})) is None


def test_tools_step_where_they_changed_and_have_a_gap_where_nothing_was_known() -> None:
    history = replayed(
        counted((None, None), (5, 40), START + H),
        became(GREEN, UNKNOWN, START + 2 * H),
        counted((5, 40), (7, 42), START + 3 * H),
        became(UNKNOWN, GREEN, START + 4 * H),
    )
    assert history.tools == (
        ToolStep(START, None, None),
        ToolStep(START + H, 5, 40),
        ToolStep(START + 2 * H, None, None),
        ToolStep(START + 4 * H, 7, 42),
    )


@pytest.mark.parametrize("details", [{}, {"enabled": [1, 2]}, {"enabled": 3, "total": [None]}])
def test_tools_that_cannot_be_read_are_not_known(details: dict[str, Any]) -> None:
    history = replayed(Happening(EventKind.TOOLS_CHANGED, START + H, details))
    assert all(step.total is None for step in history.tools)


def test_a_change_of_the_state_alone_repeats_no_figures() -> None:
    assert replayed(became(LATE, GREEN, START + H)).tools == (ToolStep(START, 7, 42),)


def test_the_share_is_of_the_time_that_can_be_judged() -> None:
    spans = [
        Span(START, START + 6 * H, GREEN),
        Span(START + 6 * H, START + 8 * H, OVERDUE),
        Span(START + 8 * H, START + 12 * H, UNKNOWN),
        Span(START + 12 * H, START + 16 * H, None),
    ]
    assert share_of(spans, 16 * H) == Share(on_time=0.75, measured=0.5)
    assert share_of(spans[2:], 8 * H) == Share(on_time=None, measured=0.0)
    assert share_of([], timedelta()) == Share(on_time=None, measured=0.0)


def test_a_shorter_window_is_the_end_of_the_longer_one() -> None:
    history = replayed(
        became(LATE, GREEN, END - 30 * H), counted((6, 42), (7, 42), END - 2 * H)
    ).last(24 * H)
    assert (history.start, history.end) == (END - 24 * H, END)
    assert history.spans == (Span(END - 24 * H, END, GREEN),)
    assert history.tools == (ToolStep(END - 24 * H, 6, 42), ToolStep(END - 2 * H, 7, 42))
    assert history.share == Share(on_time=1.0, measured=1.0)
    assert replayed().last(timedelta(days=90)).start == START


def test_parts_outside_of_a_window_are_left_out() -> None:
    spans = [Span(START, START + H, LATE), Span(START + H, START + 2 * H, GREEN)]
    assert clipped(spans, START + H, END) == (spans[1],)
    assert steps_from([ToolStep(END, 1, 2)], START) == (ToolStep(END, 1, 2),)


MOMENTS = st.integers(-10, 30 * 24 * 60 + 10).map(lambda n: START + n * timedelta(minutes=1))
WORDS = st.sampled_from([*UNWATCHED, *State.values])
NUMBERS = st.none() | st.integers(0, 60)
PAIRS = st.tuples(NUMBERS, NUMBERS)
ODD = st.sampled_from([{}, {"state": ["x", "y"]}, {"enabled": "x"}, {"state": []}])
EVENTS = st.one_of(
    st.builds(became, WORDS, WORDS, MOMENTS),
    st.builds(counted, PAIRS, PAIRS, MOMENTS),
    st.builds(Happening, st.sampled_from(EventKind), MOMENTS, ODD),
)
LIVES = st.lists(EVENTS, max_size=30).map(lambda told: sorted(told, key=lambda one: one.at))


@given(LIVES, st.sampled_from([None, *State]), PAIRS)
def test_spans_cover_the_window_and_shares_are_shares(
    told: list[Happening], state: State | None, tools: tuple[int | None, int | None]
) -> None:
    history = replayed(*told, state=state, tools=tools)
    assert history.spans[0].start == START
    assert history.spans[-1].end == END
    assert all(one.end == after.start for one, after in pairwise(history.spans))
    assert all(one.state != after.state for one, after in pairwise(history.spans))
    assert all(span.length > timedelta() for span in history.spans)
    for part in (history, history.last(24 * H), history.last(timedelta(days=7))):
        assert sum((span.length for span in part.spans), timedelta()) == part.end - part.start
        assert 0 <= part.share.measured <= 1
        assert part.share.on_time is None or 0 <= part.share.on_time <= 1


@given(LIVES, st.sampled_from([None, *State]))
def test_nothing_is_green_where_no_event_says_so(
    told: list[Happening], state: State | None
) -> None:
    changes = [(one.at, change) for one in told if (change := change_of(one))]
    for span in replayed(*told, state=state).spans:
        if span.state is not GREEN:
            continue
        # The latest change at its beginning leads to it, or the first one at all leads from it.
        before = [after for at, (_, after) in changes if at <= span.start]
        held = before[-1] if before else changes[0][1][0] if changes else state
        assert held is GREEN


@given(LIVES, st.sampled_from([None, *State]), PAIRS)
def test_steps_are_in_order_and_never_where_nothing_was_known(
    told: list[Happening], state: State | None, tools: tuple[int | None, int | None]
) -> None:
    history = replayed(*told, state=state, tools=tools)
    assert history.tools[0].at == START
    for one, after in pairwise(history.tools):
        assert one.at <= after.at
        assert (one.enabled, one.total) != (after.enabled, after.total)
    for step in history.tools:
        span = next(one for one in history.spans if one.start <= step.at < one.end)
        if span.state in {None, UNKNOWN, State.PAUSED, State.KEY_REJECTED, State.NOT_CHECKED}:
            assert (step.enabled, step.total) == (None, None)


@given(LIVES)
def test_replaying_again_gives_the_same(told: list[Happening]) -> None:
    assert replayed(*told) == replayed(*told)
