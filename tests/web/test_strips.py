"""The strips: readable without colour, bounded, and with words that never say too much."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.history.spans import KeyHistory, Share, Span
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.history.shares import percent, share_words
from freddy_admin.web.presenters.history.strip_pieces import LEAST, MOST, WIDTH, pieces
from freddy_admin.web.presenters.history.strips import legend, mark_of_state, strip
from freddy_admin.web.presenters.history.windows import DAY, MONTH, WEEK, Window
from freddy_admin.web.presenters.times import Reading

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
ON = Reading(NOW, UTC)
M, H = timedelta(minutes=1), timedelta(hours=1)
START = NOW - MONTH.length
GREEN, LATE, OVERDUE, UNKNOWN = State.UP_TO_DATE, State.LATE, State.OVERDUE, State.UNKNOWN


def spans_of(*ends: tuple[State | None, datetime]) -> tuple[Span, ...]:
    starts = [START, *(end for _, end in ends)]
    return tuple(Span(start, end, state) for start, (state, end) in zip(starts, ends, strict=False))


def drawn(spans: tuple[Span, ...], window: Window = MONTH) -> str:
    history = KeyHistory(1, "Main", START, NOW, spans, ())
    return strip(history, window, ON).drawing


def test_the_height_tells_the_groups_apart_without_a_colour() -> None:
    looks = {state: (mark_of_state(state).shape, mark_of_state(state).height) for state in State}
    assert looks[GREEN] == ("bar", 24)
    for state in (LATE, State.WAITING, State.NO_SCHEDULE):
        assert looks[state] == ("bar", 16)
    for state in (OVERDUE, State.NEVER_SYNCED, State.KEY_REJECTED, State.KEY_UNREADABLE):
        assert looks[state] == ("bar", 8)
    for state in (UNKNOWN, State.NOT_CHECKED):
        assert looks[state] == ("bar", 3)
    assert looks[State.PAUSED][0] == "dots"
    assert mark_of_state(None).shape == "nothing"


def test_a_segment_says_in_words_what_it_is_and_from_when_to_when() -> None:
    over = NOW.replace(hour=14, minute=5)
    spans = spans_of((GREEN, over), (OVERDUE, over.replace(hour=16, minute=20)), (GREEN, NOW))
    assert "<title>Overdue, 14:05 to 16:20</title>" in drawn(spans)
    assert "<title>Up to date, 16:20 until now</title>" in drawn(spans, DAY)
    yesterday = over - timedelta(days=1)
    spans = spans_of((GREEN, yesterday), (OVERDUE, yesterday + 3 * H), (GREEN, NOW))
    assert "<title>Overdue, 22 Nov, 14:05 to 17:05</title>" in drawn(spans)


def test_nothing_in_it_needs_a_style() -> None:
    spans = spans_of((None, START + H), (State.PAUSED, START + 9 * H), (OVERDUE, NOW))
    assert "style" not in drawn(spans)
    assert re.findall(r'class="([\w-]+)', drawn(spans)) == [
        "strip-nothing",
        "strip-dots",
        "strip-bar",
    ]


def test_a_single_sliver_is_seen() -> None:
    at = START + timedelta(days=3)
    found = pieces(spans_of((GREEN, at), (LATE, at + M), (GREEN, NOW)), START, NOW)
    assert [(one.state, one.width >= LEAST) for one in found] == [
        (GREEN, True),
        (LATE, True),
        (GREEN, True),
    ]
    assert found[1].width == LEAST


def test_slivers_at_both_ends_stay_within_the_strip() -> None:
    found = pieces(
        spans_of((LATE, START + M), (GREEN, NOW - 2 * M), (LATE, NOW - M), (OVERDUE, NOW)),
        START,
        NOW,
    )
    assert (found[0].x, found[-1].x + found[-1].width) == (0, WIDTH)
    assert [one.width for one in found] == [LEAST, WIDTH - 3 * LEAST, LEAST, LEAST]


def _hourly(state: State) -> tuple[Span, ...]:
    ends: list[tuple[State | None, datetime]] = []
    for n in range(30 * 24):
        ends += [(state, START + n * H + 3 * M), (GREEN, START + (n + 1) * H)]
    return spans_of(*ends)


def test_many_slivers_do_not_paint_a_month_amber() -> None:
    (one,) = pieces(_hourly(LATE), START, NOW)
    assert (one.state, one.mixed) == (GREEN, True)
    assert "<title>Mostly: Up to date, 24 Oct, 18:00 until now</title>" in drawn(_hourly(LATE))


def test_what_needed_somebody_is_never_merged_away() -> None:
    (one,) = pieces(_hourly(OVERDUE), START, NOW)
    assert one.state is OVERDUE
    assert "Overdue at times, " in drawn(_hourly(OVERDUE))


LENGTHS = st.lists(
    st.tuples(st.sampled_from([None, *State]), st.integers(1, 2000)), min_size=1, max_size=900
)


@given(LENGTHS)
def test_pieces_cover_the_strip_and_stay_few(lengths: list[tuple[State | None, int]]) -> None:
    total = sum(length for _, length in lengths)
    window, before, ends = NOW - START, 0, list[tuple[State | None, datetime]]()
    for state, length in lengths:
        before += length
        ends.append((state, START + window * before / total))
    spans = spans_of(*ends[:-1], (ends[-1][0], NOW))
    found = pieces(spans, START, NOW)
    assert len(found) <= MOST <= 400
    assert found[0].x == 0
    assert all(a.x + a.width == b.x for a, b in pairwise(found))
    assert found[-1].x + found[-1].width == WIDTH
    assert all(one.width >= LEAST for one in found)
    assert {one.state for one in found} <= {span.state for span in spans}


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
    assert percent(share, digits) == words


@given(st.floats(0, 1))
def test_all_and_nothing_are_said_of_all_and_nothing_alone(share: float) -> None:
    for digits in (0, 1):
        assert (percent(share, digits) == "100 %") is (share == 1)
        assert (percent(share, digits) == "0 %") is (share == 0)


@pytest.mark.parametrize(("window", "of"), [(DAY, "day"), (WEEK, "week"), (MONTH, "30 days")])
def test_the_share_names_its_window_and_how_much_was_measured(window: Window, of: str) -> None:
    said = share_words(Share(on_time=0.9824, measured=0.9999), str(window.of))
    assert said == f"98.2 % on time, measured 99 % of the {of}"


def test_without_measured_time_nothing_is_claimed() -> None:
    history = KeyHistory(1, "Main", START, NOW, spans_of((UNKNOWN, NOW)), ())
    assert strip(history, WEEK, ON).share == "no measured time yet"


def test_the_strip_has_a_sentence_for_those_who_do_not_see_it() -> None:
    spans = spans_of((GREEN, NOW - 6 * H), (OVERDUE, NOW))
    history = KeyHistory(1, "Main", START, NOW, spans, ())
    assert strip(history, DAY, ON).label == (
        "Last 24 hours: 75 % on time, measured 100 % of the day. Up to date 75 %, Overdue 25 %."
    )


def test_the_legend_holds_what_occurs_the_best_first() -> None:
    spans = spans_of(
        (None, START + H), (OVERDUE, START + 2 * H), (GREEN, START + 3 * H), (LATE, NOW)
    )
    words = [item.words for item in legend(spans)]
    assert words == ["Up to date", "Late", "Overdue", "Not watched yet"]
