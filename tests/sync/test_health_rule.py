"""The health rule, line by line and boundary by boundary."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync import health
from freddy_admin.sync.health import HealthFacts, SyncSchedule
from freddy_admin.sync.health_states import HealthState
from tests.sync.whole_health_rule import assess_health

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
PERIOD = 5 * M


def observed_facts(
    last_sync_span: timedelta | None = None,
    next_sync_span: timedelta | None = None,
    hours: int = 4,
    **values: Any,
) -> HealthFacts:
    """A key observed at noon; both spans are from noon (negative: before)."""
    observed_at = values.pop("observed_at", NOON)
    schedule = SyncSchedule(
        None if last_sync_span is None else NOON + last_sync_span,
        None if next_sync_span is None else NOON + next_sync_span,
        hours,
    )
    facts = {
        "schedule": schedule,
        "observed_at": observed_at,
        "first_observed_at": values.pop("first_observed_at", observed_at),
        "first_next_sync_at": values.pop("first_next_sync_at", schedule.next_sync_at),
        "checked_at": observed_at,
        "check_period": PERIOD,
    }
    return HealthFacts(**(facts | values))


# (id, facts, moment, state, line, since)
TABLE: list[tuple[str, HealthFacts, datetime, HealthState, int, datetime]] = [
    # Line 2: the stored key cannot be opened.
    ("unreadable outranks refused",
     observed_facts(-H, 3 * H, unreadable_since=NOON - H, refusals=2),
     NOON, HealthState.KEY_UNREADABLE, 2, NOON - H),
    ("unreadable does not age into unknown", observed_facts(-H, 3 * H, unreadable_since=NOON - H),
     NOON + 9 * H, HealthState.KEY_UNREADABLE, 2, NOON - H),
    # Line 3: two refusals in a row; the later one names it.
    ("two refusals, 401 last", observed_facts(-H, 3 * H, refusals=2, checked_at=NOON + M),
     NOON + M, HealthState.KEY_REJECTED, 3, NOON + M),
    ("two refusals, 403 last", observed_facts(-H, 3 * H, refusals=2, refusal_is_not_permitted=True),
     NOON, HealthState.KEY_NOT_PERMITTED, 3, NOON),
    ("one refusal says nothing yet", observed_facts(-H, 3 * H, refusals=1),
     NOON, HealthState.UP_TO_DATE, 10, NOON - H),
    ("refused without ever an observation", HealthFacts(refusals=2, checked_at=NOON), NOON,
     HealthState.KEY_REJECTED, 3, NOON),
    ("refused does not age into unknown", observed_facts(-H, 3 * H, refusals=3), NOON + 9 * H,
     HealthState.KEY_REJECTED, 3, NOON),
    # Line 4: nothing seen yet.
    ("no check finished", HealthFacts(), NOON, HealthState.NOT_CHECKED, 4, NOON),
    ("only failed ones", HealthFacts(checked_at=NOON - M), NOON, HealthState.UNKNOWN, 4, NOON - M),
    ("only one refusal", HealthFacts(checked_at=NOON - M, refusals=1),
     NOON, HealthState.UNKNOWN, 4, NOON - M),
    # Line 5: the observation is too old; strictly more than the larger of 3P and 15 minutes.
    ("15 minutes old", observed_facts(-H, 3 * H),
     NOON + 15 * M, HealthState.UP_TO_DATE, 10, NOON - H),
    ("a second older", observed_facts(-H, 3 * H),
     NOON + 15 * M + S, HealthState.UNKNOWN, 5, NOON + 15 * M),
    ("3P where that is longer", observed_facts(-H, 3 * H, check_period=10 * M), NOON + 30 * M,
     HealthState.UP_TO_DATE, 10, NOON - H),
    ("a second after 3P", observed_facts(-H, 3 * H, check_period=10 * M), NOON + 30 * M + S,
     HealthState.UNKNOWN, 5, NOON + 30 * M),
    ("an overdue key ages too", observed_facts(-9 * H, -5 * H),
     NOON + 15 * M + S, HealthState.UNKNOWN, 5, NOON + 15 * M),
    # Line 6: no L yet. First due = the later of N0 and seen + I; I = 4 h, G = 1 h.
    ("neither N nor I", observed_facts(hours=0), NOON, HealthState.NO_SCHEDULE, 6, NOON),
    ("waiting by interval", observed_facts(first_observed_at=NOON - 5 * H + S),
     NOON, HealthState.WAITING, 6, NOON - 5 * H + S),
    ("never synced by interval", observed_facts(first_observed_at=NOON - 5 * H),
     NOON, HealthState.NEVER_SYNCED, 6, NOON),
    ("waiting by N0, which is later", observed_facts(first_observed_at=NOON - 9 * H,
                                           first_next_sync_at=NOON - H + S),
     NOON, HealthState.WAITING, 6, NOON - 9 * H),
    ("never synced by N0",
     observed_facts(first_observed_at=NOON - 9 * H, first_next_sync_at=NOON - H),
     NOON, HealthState.NEVER_SYNCED, 6, NOON),
    ("N0 alone, grace of 15 minutes", observed_facts(hours=0, first_next_sync_at=NOON - 15 * M),
     NOON, HealthState.NEVER_SYNCED, 6, NOON),
    ("N0 alone, a second before", observed_facts(hours=0, first_next_sync_at=NOON - 15 * M + S),
     NOON, HealthState.WAITING, 6, NOON),
    # Line 7: times that do not add up, no schedule.
    ("L 5 minutes ahead is tolerated", observed_facts(5 * M, 4 * H),
     NOON, HealthState.UP_TO_DATE, 10, NOON),
    ("L over 5 minutes ahead", observed_facts(5 * M + S, 4 * H),
     NOON, HealthState.UNKNOWN, 7, NOON),
    ("no N and no I", observed_facts(-H, None, hours=0), NOON, HealthState.NO_SCHEDULE, 7, NOON),
    ("N before L and no I", observed_facts(-H, -2 * H, hours=0),
     NOON, HealthState.NO_SCHEDULE, 7, NOON),
    ("an interval over a year is none", observed_facts(-H, None, hours=8761),
     NOON, HealthState.NO_SCHEDULE, 7, NOON),
    ("an interval of a year is one", observed_facts(-H, None, hours=8760),
     NOON, HealthState.UP_TO_DATE, 10, NOON - H),
    # Lines 8 to 10 by due and due + G (I = 4 h, G = 1 h).
    ("a second before due", observed_facts(-4 * H, S),
     NOON, HealthState.UP_TO_DATE, 10, NOON - 4 * H),
    ("due", observed_facts(-4 * H, timedelta()), NOON, HealthState.LATE, 9, NOON),
    ("a second before due + G", observed_facts(-5 * H, -H + S),
     NOON, HealthState.LATE, 9, NOON - H + S),
    ("due + G", observed_facts(-5 * H, -H), NOON, HealthState.OVERDUE, 8, NOON),
    ("due is L + I without a later N", observed_facts(-4 * H, -4 * H),
     NOON, HealthState.LATE, 9, NOON),
    ("the documented example, an hour on", observed_facts(-H, -H, hours=1),
     NOON, HealthState.LATE, 9, NOON),
    ("N without a usable I, 15 minutes late", observed_facts(-9 * H, -15 * M, hours=0), NOON,
     HealthState.OVERDUE, 8, NOON),
    ("grace is at least 15 minutes", observed_facts(-74 * M, -14 * M, hours=1),
     NOON, HealthState.LATE, 9, NOON - 14 * M),
    ("grace is at most 6 hours", observed_facts(-174 * H, -6 * H, hours=168),
     NOON, HealthState.OVERDUE, 8, NOON),
    ("the key's own grace", observed_facts(-5 * H, -H, grace=2 * H),
     NOON, HealthState.LATE, 9, NOON - H),
    ("no grace at all", observed_facts(-5 * H, -S, grace=timedelta()),
     NOON, HealthState.OVERDUE, 8, NOON - S),
    # Lines 8 and 9 where N keeps moving on: L + max(2I, I + G) = L + 8 h; 24 h at the latest.
    ("a second before 2I", observed_facts(-8 * H + S, 4 * H),
     NOON, HealthState.UP_TO_DATE, 10, NOON - 8 * H + S),
    ("2I without a skip", observed_facts(-8 * H, 4 * H), NOON, HealthState.LATE, 9, NOON),
    ("2I with a skip", observed_facts(-8 * H, 4 * H, skipped_at=NOON - 4 * H),
     NOON, HealthState.OVERDUE, 8, NOON),
    ("a skip alone", observed_facts(-8 * H + S, 4 * H, skipped_at=NOON - 4 * H),
     NOON, HealthState.UP_TO_DATE, 10, NOON - 8 * H + S),
    ("24 h, a second before", observed_facts(-24 * H + S, 4 * H), NOON, HealthState.LATE, 9,
     NOON - 16 * H + S),
    ("24 h, with I under 4 h", observed_facts(-24 * H, 4 * H), NOON, HealthState.OVERDUE, 8, NOON),
    ("6I where that is longer", observed_facts(-48 * H, 4 * H, hours=8),
     NOON, HealthState.OVERDUE, 8, NOON),
    ("6I, a second before", observed_facts(-48 * H + S, 4 * H, hours=8), NOON, HealthState.LATE, 9,
     NOON - 32 * H + S),
    ("I + G where the own grace is long", observed_facts(-9 * H, 4 * H, grace=6 * H), NOON,
     HealthState.UP_TO_DATE, 10, NOON - 9 * H),
    ("no usable I: only N counts", observed_facts(-99 * H, 4 * H, hours=0),
     NOON, HealthState.UP_TO_DATE, 10, NOON - 99 * H),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "now", "state", "line", "since"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_each_line_of_the_rule_holds_up_to_its_boundary(
    facts: HealthFacts, now: datetime, state: HealthState, line: int, since: datetime
) -> None:
    verdict = assess_health(facts, now=now)
    assert (verdict.state, verdict.rule, verdict.since) == (state, line, since)


def test_line_one_paused_outranks_whatever_else_is_true() -> None:
    facts = observed_facts(-H, 3 * H, unreadable_since=NOON, refusals=2)
    verdict = assess_health(facts, now=NOON + 9 * H, paused_at=NOON - M)
    assert verdict == health.HealthVerdict(HealthState.PAUSED, NOON - M, 1)


def test_every_other_line_of_the_rule_has_a_row() -> None:
    assert {row[4] for row in TABLE} == set(range(2, 11))
    assert {row[3] for row in TABLE} == set(HealthState) - {HealthState.PAUSED}


def test_lines_six_to_nine_compare_with_the_observation_and_not_with_the_clock() -> None:
    facts = observed_facts(-4 * H, S)
    assert assess_health(facts, now=NOON + 10 * M).state == HealthState.UP_TO_DATE


PLANNED = SyncSchedule(NOON - 4 * H, NOON, 4)


@pytest.mark.parametrize(
    ("current", "observed_at", "is_skipped"),
    [
        (SyncSchedule(NOON - 4 * H, NOON + 4 * H, 4), NOON + M, True),  # moved on, L stayed
        (
            SyncSchedule(NOON - 4 * H, NOON + 4 * H, 4),
            NOON - M,
            False,
        ),  # moved before it had passed
        (SyncSchedule(NOON - M, NOON + 4 * H, 4), NOON + M, False),  # a sync happened
        (SyncSchedule(NOON - 4 * H, NOON, 4), NOON + M, False),  # still late, not skipped
        (SyncSchedule(NOON - 4 * H, NOON - H, 4), NOON + M, False),  # moved back
        (SyncSchedule(NOON - 4 * H, None, 4), NOON + M, False),  # the plan was taken away
    ],
)
def test_a_skip_is_a_plan_that_moved_on_after_it_had_passed(
    current: SyncSchedule, observed_at: datetime, is_skipped: bool
) -> None:
    skipped_at = health.first_skipped_sync_due_at(
        PLANNED, current, observed_at=observed_at, skipped_at=None
    )
    assert skipped_at == (NOON if is_skipped else None)


def test_a_skip_lasts_until_l_moves() -> None:
    moved_plan = SyncSchedule(NOON - 4 * H, NOON + 4 * H, 4)
    skipped_at = health.first_skipped_sync_due_at(
        moved_plan, moved_plan, observed_at=NOON + H, skipped_at=NOON
    )
    assert skipped_at == NOON
    later_sync = SyncSchedule(NOON + H, NOON + 5 * H, 4)
    assert (
        health.first_skipped_sync_due_at(
            moved_plan, later_sync, observed_at=NOON + H, skipped_at=NOON
        )
        is None
    )


# hypothesis takes naive bounds and adds the zone itself.
moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
optional_moments = st.none() | moments
any_facts = st.builds(
    HealthFacts,
    schedule=st.none()
    | st.builds(
        SyncSchedule, optional_moments, optional_moments, st.none() | st.integers(0, 2**31 - 1)
    ),
    observed_at=optional_moments,
    first_observed_at=optional_moments,
    first_next_sync_at=optional_moments,
    skipped_at=optional_moments,
    checked_at=optional_moments,
    refusals=st.integers(0, 3),
    refusal_is_not_permitted=st.booleans(),
    unreadable_since=optional_moments,
    grace=st.none() | st.timedeltas(timedelta(), timedelta(days=30)),
    check_period=st.timedeltas(timedelta(seconds=1), timedelta(days=1)),
)


@given(any_facts, moments, optional_moments)
def test_any_facts_give_one_verdict_and_none_is_green_without_figures(
    facts: HealthFacts, now: datetime, paused_at: datetime | None
) -> None:
    verdict = assess_health(facts, now=now, paused_at=paused_at)
    if verdict.state == HealthState.UP_TO_DATE:
        assert facts.observed_at is not None
        assert facts.schedule is not None
        assert facts.schedule.last_sync_at is not None
        assert now - facts.observed_at <= health.observation_lifetime(facts.check_period)


@given(any_facts, moments, st.timedeltas(timedelta(), timedelta(days=400)), optional_moments)
def test_only_unknown_can_follow_without_a_new_observation(
    facts: HealthFacts, now: datetime, span: timedelta, paused_at: datetime | None
) -> None:
    verdict = assess_health(facts, now=now, paused_at=paused_at)
    later_verdict = assess_health(facts, now=now + span, paused_at=paused_at)
    assert later_verdict.state in {verdict.state, HealthState.UNKNOWN}
