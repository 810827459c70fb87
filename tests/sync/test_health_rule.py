"""The health rule, line by line and boundary by boundary."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync import health
from freddy_admin.sync.health import Facts, Schedule
from freddy_admin.sync.states import WORST_FIRST, State, roll_up

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
PERIOD = 5 * M


def seen(
    last: timedelta | None = None, following: timedelta | None = None, hours: int = 4, **more: Any
) -> Facts:
    """A key observed at noon; `last` and `following` are spans from noon (negative: before)."""
    at = more.pop("observed_at", NOON)
    schedule = Schedule(
        None if last is None else NOON + last,
        None if following is None else NOON + following,
        hours,
    )
    facts = {
        "schedule": schedule,
        "observed_at": at,
        "first_observed_at": more.pop("first_observed_at", at),
        "first_next_sync_at": more.pop("first_next_sync_at", schedule.next_sync_at),
        "checked_at": at,
        "check_period": PERIOD,
    }
    return Facts(**(facts | more))


# (what, facts, moment, state, line, since)
TABLE: list[tuple[str, Facts, datetime, State, int, datetime]] = [
    # Line 1: paused, whatever else is true.
    ("paused beats all", seen(-H, 3 * H, paused_at=NOON - M, unreadable_since=NOON, refusals=2),
     NOON, State.PAUSED, 1, NOON - M),
    # Line 2: the stored key cannot be opened.
    ("unreadable beats refused", seen(-H, 3 * H, unreadable_since=NOON - H, refusals=2),
     NOON, State.KEY_UNREADABLE, 2, NOON - H),
    ("unreadable does not age into unknown", seen(-H, 3 * H, unreadable_since=NOON - H),
     NOON + 9 * H, State.KEY_UNREADABLE, 2, NOON - H),
    # Line 3: two refusals in a row; the later one names it.
    ("two refusals, 401 last", seen(-H, 3 * H, refusals=2, checked_at=NOON + M),
     NOON + M, State.KEY_REJECTED, 3, NOON + M),
    ("two refusals, 403 last", seen(-H, 3 * H, refusals=2, not_permitted=True),
     NOON, State.KEY_NOT_PERMITTED, 3, NOON),
    ("one refusal says nothing yet", seen(-H, 3 * H, refusals=1), NOON, State.UP_TO_DATE, 10,
     NOON - H),
    ("refused without ever an observation", Facts(refusals=2, checked_at=NOON), NOON,
     State.KEY_REJECTED, 3, NOON),
    ("refused does not age into unknown", seen(-H, 3 * H, refusals=3), NOON + 9 * H,
     State.KEY_REJECTED, 3, NOON),
    # Line 4: nothing seen yet.
    ("no check finished", Facts(), NOON, State.NOT_CHECKED, 4, NOON),
    ("only failed ones", Facts(checked_at=NOON - M), NOON, State.UNKNOWN, 4, NOON - M),
    ("only one refusal", Facts(checked_at=NOON - M, refusals=1), NOON, State.UNKNOWN, 4, NOON - M),
    # Line 5: the observation is too old; strictly more than the larger of 3P and 15 minutes.
    ("15 minutes old", seen(-H, 3 * H), NOON + 15 * M, State.UP_TO_DATE, 10, NOON - H),
    ("a second older", seen(-H, 3 * H), NOON + 15 * M + S, State.UNKNOWN, 5, NOON + 15 * M),
    ("3P where that is longer", seen(-H, 3 * H, check_period=10 * M), NOON + 30 * M,
     State.UP_TO_DATE, 10, NOON - H),
    ("a second after 3P", seen(-H, 3 * H, check_period=10 * M), NOON + 30 * M + S,
     State.UNKNOWN, 5, NOON + 30 * M),
    ("an overdue key ages too", seen(-9 * H, -5 * H), NOON + 15 * M + S, State.UNKNOWN, 5,
     NOON + 15 * M),
    # Line 6: no L yet. First due = the later of N0 and seen + I; I = 4 h, G = 1 h.
    ("neither N nor I", seen(hours=0), NOON, State.NO_SCHEDULE, 6, NOON),
    ("waiting by interval", seen(first_observed_at=NOON - 5 * H + S), NOON, State.WAITING, 6,
     NOON - 5 * H + S),
    ("never synced by interval", seen(first_observed_at=NOON - 5 * H), NOON, State.NEVER_SYNCED, 6,
     NOON),
    ("waiting by N0, which is later", seen(first_observed_at=NOON - 9 * H,
                                           first_next_sync_at=NOON - H + S),
     NOON, State.WAITING, 6, NOON - 9 * H),
    ("never synced by N0", seen(first_observed_at=NOON - 9 * H, first_next_sync_at=NOON - H),
     NOON, State.NEVER_SYNCED, 6, NOON),
    ("N0 alone, grace of 15 minutes", seen(hours=0, first_next_sync_at=NOON - 15 * M), NOON,
     State.NEVER_SYNCED, 6, NOON),
    ("N0 alone, a second before", seen(hours=0, first_next_sync_at=NOON - 15 * M + S), NOON,
     State.WAITING, 6, NOON),
    # Line 7: times that do not add up, no schedule.
    ("L 5 minutes ahead is tolerated", seen(5 * M, 4 * H), NOON, State.UP_TO_DATE, 10,
     NOON),
    ("L over 5 minutes ahead", seen(5 * M + S, 4 * H), NOON, State.UNKNOWN, 7, NOON),
    ("no N and no I", seen(-H, None, hours=0), NOON, State.NO_SCHEDULE, 7, NOON),
    ("N before L and no I", seen(-H, -2 * H, hours=0), NOON, State.NO_SCHEDULE, 7, NOON),
    ("an interval over a year is none", seen(-H, None, hours=8761), NOON, State.NO_SCHEDULE, 7,
     NOON),
    ("an interval of a year is one", seen(-H, None, hours=8760), NOON, State.UP_TO_DATE, 10,
     NOON - H),
    # Lines 8 to 10 by due and due + G (I = 4 h, G = 1 h).
    ("a second before due", seen(-4 * H, S), NOON, State.UP_TO_DATE, 10, NOON - 4 * H),
    ("due", seen(-4 * H, timedelta()), NOON, State.LATE, 9, NOON),
    ("a second before due + G", seen(-5 * H, -H + S), NOON, State.LATE, 9, NOON - H + S),
    ("due + G", seen(-5 * H, -H), NOON, State.OVERDUE, 8, NOON),
    ("due is L + I without a later N", seen(-4 * H, -4 * H), NOON, State.LATE, 9, NOON),
    ("the documented example, an hour on", seen(-H, -H, hours=1), NOON, State.LATE, 9, NOON),
    ("N without a usable I, 15 minutes late", seen(-9 * H, -15 * M, hours=0), NOON,
     State.OVERDUE, 8, NOON),
    ("grace is at least 15 minutes", seen(-74 * M, -14 * M, hours=1), NOON, State.LATE, 9,
     NOON - 14 * M),
    ("grace is at most 6 hours", seen(-174 * H, -6 * H, hours=168), NOON, State.OVERDUE, 8, NOON),
    ("the key's own grace", seen(-5 * H, -H, grace=2 * H), NOON, State.LATE, 9, NOON - H),
    ("no grace at all", seen(-5 * H, -S, grace=timedelta()), NOON, State.OVERDUE, 8, NOON - S),
    # Lines 8 and 9 where N keeps moving on: L + max(2I, I + G) = L + 8 h; 24 h at the latest.
    ("a second before 2I", seen(-8 * H + S, 4 * H), NOON, State.UP_TO_DATE, 10, NOON - 8 * H + S),
    ("2I without a skip", seen(-8 * H, 4 * H), NOON, State.LATE, 9, NOON),
    ("2I with a skip", seen(-8 * H, 4 * H, skipped_at=NOON - 4 * H), NOON, State.OVERDUE, 8, NOON),
    ("a skip alone", seen(-8 * H + S, 4 * H, skipped_at=NOON - 4 * H), NOON, State.UP_TO_DATE, 10,
     NOON - 8 * H + S),
    ("24 h, a second before", seen(-24 * H + S, 4 * H), NOON, State.LATE, 9,
     NOON - 16 * H + S),
    ("24 h, with I under 4 h", seen(-24 * H, 4 * H), NOON, State.OVERDUE, 8, NOON),
    ("6I where that is longer", seen(-48 * H, 4 * H, hours=8), NOON, State.OVERDUE, 8, NOON),
    ("6I, a second before", seen(-48 * H + S, 4 * H, hours=8), NOON, State.LATE, 9,
     NOON - 32 * H + S),
    ("I + G where the own grace is long", seen(-9 * H, 4 * H, grace=6 * H), NOON,
     State.UP_TO_DATE, 10, NOON - 9 * H),
    ("no usable I: only N counts", seen(-99 * H, 4 * H, hours=0), NOON, State.UP_TO_DATE, 10,
     NOON - 99 * H),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "now", "state", "line", "since"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_each_line_and_boundary(
    facts: Facts, now: datetime, state: State, line: int, since: datetime
) -> None:
    verdict = health.assess(facts, now=now)
    assert (verdict.state, verdict.rule, verdict.since) == (state, line, since)


def test_every_line_of_the_rule_has_a_row() -> None:
    assert {row[4] for row in TABLE} == set(range(1, 11))
    assert {row[3] for row in TABLE} == set(State)


def test_lines_six_to_nine_compare_with_the_observation_and_not_with_the_clock() -> None:
    facts = seen(-4 * H, S)
    assert health.assess(facts, now=NOON + 10 * M).state == State.UP_TO_DATE


PLANNED = Schedule(NOON - 4 * H, NOON, 4)


@pytest.mark.parametrize(
    ("after", "at", "skipped"),
    [
        (Schedule(NOON - 4 * H, NOON + 4 * H, 4), NOON + M, True),  # moved on, L stayed
        (Schedule(NOON - 4 * H, NOON + 4 * H, 4), NOON - M, False),  # moved before it had passed
        (Schedule(NOON - M, NOON + 4 * H, 4), NOON + M, False),  # a sync happened
        (Schedule(NOON - 4 * H, NOON, 4), NOON + M, False),  # still late, not skipped
        (Schedule(NOON - 4 * H, NOON - H, 4), NOON + M, False),  # moved back
        (Schedule(NOON - 4 * H, None, 4), NOON + M, False),  # the plan was taken away
    ],
)
def test_a_skip_is_a_plan_that_moved_on_after_it_had_passed(
    after: Schedule, at: datetime, skipped: bool
) -> None:
    found = health.skip_seen(PLANNED, after, observed_at=at, skipped_at=None)
    assert found == (NOON if skipped else None)


def test_a_skip_lasts_until_l_moves() -> None:
    moved = Schedule(NOON - 4 * H, NOON + 4 * H, 4)
    again = health.skip_seen(moved, moved, observed_at=NOON + H, skipped_at=NOON)
    assert again == NOON
    synced = Schedule(NOON + H, NOON + 5 * H, 4)
    assert health.skip_seen(moved, synced, observed_at=NOON + H, skipped_at=NOON) is None


def test_a_roll_up_is_the_worst_of_its_parts_and_green_only_with_a_green_part() -> None:
    assert roll_up([]) is None
    assert roll_up([State.PAUSED, State.PAUSED]) == State.PAUSED
    assert roll_up([State.UP_TO_DATE, State.PAUSED]) == State.UP_TO_DATE
    for state in WORST_FIRST:
        if state not in {State.UP_TO_DATE, State.PAUSED}:
            assert roll_up([State.UP_TO_DATE, state, State.PAUSED]) == state


# hypothesis takes naive bounds and adds the zone itself.
moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
maybe = st.none() | moments
any_facts = st.builds(
    Facts,
    schedule=st.none() | st.builds(Schedule, maybe, maybe, st.none() | st.integers(0, 2**31 - 1)),
    observed_at=maybe,
    first_observed_at=maybe,
    first_next_sync_at=maybe,
    skipped_at=maybe,
    checked_at=maybe,
    refusals=st.integers(0, 3),
    not_permitted=st.booleans(),
    unreadable_since=maybe,
    paused_at=maybe,
    grace=st.none() | st.timedeltas(timedelta(), timedelta(days=30)),
    check_period=st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
)


@given(any_facts, moments)
def test_whatever_is_seen_there_is_one_verdict_and_never_green_on_nothing(
    facts: Facts, now: datetime
) -> None:
    verdict = health.assess(facts, now=now)
    if verdict.state == State.UP_TO_DATE:
        assert facts.observed_at is not None
        assert facts.schedule is not None
        assert facts.schedule.last_sync_at is not None
        assert now - facts.observed_at <= health.stale_after(facts.check_period)


@given(any_facts, moments, st.timedeltas(timedelta(), timedelta(days=400)))
def test_without_a_new_observation_only_unknown_can_follow(
    facts: Facts, now: datetime, later: timedelta
) -> None:
    first, then = health.assess(facts, now=now), health.assess(facts, now=now + later)
    assert then.state in {first.state, State.UNKNOWN}
