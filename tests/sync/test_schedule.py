"""When a key is looked at again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.health import Facts, Schedule
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import Problem
from freddy_admin.sync.policy import Policy
from freddy_admin.sync.schedule import hold_until, next_check
from tests.sync.conftest import NOON

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SPANS = Policy(fresh=M, period=5 * M, lease=30 * S)


def wait(row: KeySync, facts: Facts | None = None, jitter: float = 0.0) -> timedelta:
    return next_check(row, facts or Facts(), now=NOON, policy=SPANS, jitter=jitter) - NOON


def due_at(moment: timedelta) -> Facts:
    return Facts(schedule=Schedule(NOON - H, NOON + moment, 1), observed_at=NOON)


GOOD = KeySync(outcome=Outcome.GOOD)


def test_a_good_key_is_looked_at_every_period() -> None:
    assert wait(GOOD) == 5 * M


def test_keys_that_were_loaded_together_spread_but_never_come_early() -> None:
    assert wait(GOOD, jitter=1.0) == 5 * M * 1.05


@pytest.mark.parametrize(
    ("due", "look"),
    [
        (2 * M, 3 * M),  # a minute after due
        (-12 * M, 3 * M),  # at due + G, 15 minutes
        (10 * M, 5 * M),  # the period comes first
        (-15 * M + 2 * S, M),  # due + G in 2 s: not before the last look is stale
    ],
)
def test_it_is_looked_at_when_the_health_rule_needs_it(due: timedelta, look: timedelta) -> None:
    assert wait(GOOD, due_at(due)) == look


def test_the_very_first_sync_is_looked_for_too() -> None:
    first = Facts(
        schedule=Schedule(None, NOON + 2 * M, 0),
        observed_at=NOON,
        first_observed_at=NOON,
        first_next_sync_at=NOON + 2 * M,
    )
    assert wait(GOOD, first) == 3 * M


def test_a_first_refusal_is_confirmed_after_sixty_seconds() -> None:
    assert wait(KeySync(outcome=Outcome.REFUSED, refusals=1), jitter=1.0) == M


def test_a_refused_key_is_tried_hourly() -> None:
    assert wait(KeySync(outcome=Outcome.REFUSED, refusals=2)) == H


def test_an_unreadable_key_is_tried_hourly() -> None:
    assert wait(KeySync(outcome=Outcome.FAILED, error_kind="key_unreadable", failures=1)) == H


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 5), (1, 5), (2, 10), (3, 15), (4, 15), (10_000, 15)]
)
def test_failures_slow_us_down_up_to_a_quarter_of_an_hour(failures: int, minutes: int) -> None:
    row = KeySync(outcome=Outcome.FAILED, error_kind="read_timeout", failures=failures)
    assert wait(row) == minutes * M


def test_a_wait_that_aitronos_asked_for_is_obeyed() -> None:
    row = KeySync(outcome=Outcome.FAILED, failures=1, hold_until=NOON + 40 * M)
    assert wait(row) == 40 * M


@pytest.mark.parametrize(
    ("problem", "held"),
    [
        (None, None),
        (Problem(kind="server_error"), None),
        (Problem(kind="rate_limited", retry_after=90.0), 90 * S),
        (Problem(kind="spending_limit", spending_limit=True), 15 * M),
        (Problem(kind="spending_limit", spending_limit=True, retry_after=3600.0), H),
    ],
)
def test_how_long_aitronos_holds_us_back(problem: Problem | None, held: timedelta | None) -> None:
    assert hold_until(problem, now=NOON) == (None if held is None else NOON + held)


@given(
    st.sampled_from([Outcome.GOOD, Outcome.REFUSED, Outcome.FAILED]),
    st.integers(0, 10**9),
    st.integers(0, 5),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_the_next_look_is_always_ahead_and_never_past_the_horizon(
    outcome: Outcome, failures: int, refusals: int, due: timedelta
) -> None:
    row = KeySync(outcome=outcome, failures=failures, refusals=refusals)
    ahead = next_check(row, due_at(due), now=NOON, policy=SPANS) - NOON
    assert timedelta() < ahead < SPANS.horizon
