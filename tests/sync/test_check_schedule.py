"""When a key is checked again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.checks.policy import CheckPolicy
from freddy_admin.sync.checks.results import CallFailure
from freddy_admin.sync.health import HealthFacts, SyncSchedule
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.sync.worker.schedule import hold_until_from_failure, next_check_at
from tests.sync.conftest import NOON

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
POLICY = CheckPolicy(fresh=M, period=5 * M, lease=30 * S)


def check_delay(
    row: SyncStatus, facts: HealthFacts | None = None, jitter: float = 0.0
) -> timedelta:
    return next_check_at(row, facts or HealthFacts(), now=NOON, policy=POLICY, jitter=jitter) - NOON


def facts_due_in(span: timedelta) -> HealthFacts:
    return HealthFacts(schedule=SyncSchedule(NOON - H, NOON + span, 1), observed_at=NOON)


GOOD = SyncStatus(outcome=CheckOutcome.GOOD)


def test_a_good_key_is_checked_every_period() -> None:
    assert check_delay(GOOD) == 5 * M


def test_keys_that_were_loaded_together_spread_but_are_never_checked_early() -> None:
    assert check_delay(GOOD, jitter=1.0) == 5 * M * 1.05


@pytest.mark.parametrize(
    ("due", "delay"),
    [
        (2 * M, 3 * M),  # a minute after due
        (-12 * M, 3 * M),  # at due + G, 15 minutes
        (10 * M, 5 * M),  # the period comes first
        (-15 * M + 2 * S, M),  # due + G in 2 s: not before the last check is stale
    ],
)
def test_a_key_is_checked_when_the_health_rule_needs_it(due: timedelta, delay: timedelta) -> None:
    assert check_delay(GOOD, facts_due_in(due)) == delay


def test_a_key_is_checked_after_its_very_first_sync_is_due() -> None:
    facts = HealthFacts(
        schedule=SyncSchedule(None, NOON + 2 * M, 0),
        observed_at=NOON,
        first_observed_at=NOON,
        first_next_sync_at=NOON + 2 * M,
    )
    assert check_delay(GOOD, facts) == 3 * M


def test_a_first_refusal_is_confirmed_after_sixty_seconds() -> None:
    assert check_delay(SyncStatus(outcome=CheckOutcome.REFUSED, refusals=1), jitter=1.0) == M


def test_a_refused_key_is_checked_hourly() -> None:
    assert check_delay(SyncStatus(outcome=CheckOutcome.REFUSED, refusals=2)) == H


def test_an_unreadable_key_is_checked_hourly() -> None:
    assert (
        check_delay(
            SyncStatus(outcome=CheckOutcome.FAILED, error_kind="key_unreadable", failures=1)
        )
        == H
    )


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 5), (1, 5), (2, 10), (3, 15), (4, 15), (10_000, 15)]
)
def test_failures_slow_checks_down_to_one_in_a_quarter_of_an_hour(
    failures: int, minutes: int
) -> None:
    row = SyncStatus(outcome=CheckOutcome.FAILED, error_kind="read_timeout", failures=failures)
    assert check_delay(row) == minutes * M


def test_a_wait_that_aitronos_asked_for_is_obeyed() -> None:
    row = SyncStatus(outcome=CheckOutcome.FAILED, failures=1, hold_until=NOON + 40 * M)
    assert check_delay(row) == 40 * M


@pytest.mark.parametrize(
    ("failure", "hold"),
    [
        (None, None),
        (CallFailure(kind="server_error"), None),
        (CallFailure(kind="rate_limited", retry_after=90.0), 90 * S),
        (CallFailure(kind="spending_limit", spending_limit=True), 15 * M),
        (CallFailure(kind="spending_limit", spending_limit=True, retry_after=3600.0), H),
    ],
)
def test_a_hold_lasts_as_long_as_aitronos_asked_for(
    failure: CallFailure | None, hold: timedelta | None
) -> None:
    assert hold_until_from_failure(failure, now=NOON) == (None if hold is None else NOON + hold)


@given(
    st.sampled_from([CheckOutcome.GOOD, CheckOutcome.REFUSED, CheckOutcome.FAILED]),
    st.integers(0, 10**9),
    st.integers(0, 5),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_the_next_check_is_always_ahead_and_never_past_the_horizon(
    outcome: CheckOutcome, failures: int, refusals: int, due: timedelta
) -> None:
    row = SyncStatus(outcome=outcome, failures=failures, refusals=refusals)
    delay = next_check_at(row, facts_due_in(due), now=NOON, policy=POLICY) - NOON
    assert timedelta() < delay < POLICY.horizon
